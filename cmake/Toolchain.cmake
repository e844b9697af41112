# How everything is compiled. Presets choose the build type and BREAKWATER_SANITIZE.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

option(BREAKWATER_WERROR "Treat warnings as errors" ON)
set(BREAKWATER_SANITIZE "" CACHE STRING "Comma-separated sanitizers, for example address,undefined")

# The cache hits across clones: paths are made relative to the clone, the directory is not hashed.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

# The compiled paths must not name this clone, or the cache could not serve another one.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wimplicit-fallthrough -fno-omit-frame-pointer)
if(BREAKWATER_WERROR)
  add_compile_options(-Werror)
endif()
if(BREAKWATER_SANITIZE)
  add_compile_options(-fsanitize=${BREAKWATER_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BREAKWATER_SANITIZE})
  # g++ 12 cannot see through its own instrumentation and suspects every variant and optional.
  add_compile_options(-Wno-maybe-uninitialized)
  # Asio uses fences, which ThreadSanitizer does not see: it may report too much, never too little.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND BREAKWATER_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan)
  endif()
endif()
