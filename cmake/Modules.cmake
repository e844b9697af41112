# The house (docs/architecture.md): each folder of src/ is one static library on one floor.
#
#   breakwater_module(repo FLOOR 2 SOURCES a.cc b.cc USES blob base LIBS dep_zstd)
#
# declares src/repo as target breakwater_repo. Using a module on the same or a higher floor is a
# configuration error, so the dependency graph cannot grow a cycle or an upward arrow. What each
# module may include follows from USES and is checked by tests/tidy.

function(breakwater_module name)
  cmake_parse_arguments(ARG "" "FLOOR" "SOURCES;USES;LIBS" ${ARGN})
  set(target breakwater_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX BREAKWATER_FLOOR ${ARG_FLOOR})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC fmt::fmt tl::expected Threads::Threads
                                  PRIVATE ${ARG_LIBS})
  foreach(used IN LISTS ARG_USES)
    if(NOT TARGET breakwater_${used})
      message(FATAL_ERROR "module ${name} uses ${used}, which does not stand below it")
    endif()
    get_target_property(floor breakwater_${used} BREAKWATER_FLOOR)
    if(NOT floor LESS ARG_FLOOR)
      message(FATAL_ERROR
              "module ${name} (floor ${ARG_FLOOR}) may not use ${used} (floor ${floor})")
    endif()
    target_link_libraries(${target} PUBLIC breakwater_${used})
  endforeach()
endfunction()

# breakwater_test(repo SOURCES a_test.cc USES repo blob LABELS unit [TIMEOUT 60])
#
# One test program for one folder of tests/. Sources are compiled as one unit in batches, which
# makes a cold build of the tests several times faster. Tests run in the root of the source tree and
# find built programs through the environment variable BREAKWATER_BIN: a path compiled in would keep
# the compiler cache from serving another clone.
function(breakwater_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;USES;LIBS;LABELS" ${ARGN})
  set(target test_${name})
  add_executable(${target} ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE GTest::gtest GTest::gtest_main ${ARG_LIBS})
  foreach(used IN LISTS ARG_USES)
    target_link_libraries(${target} PRIVATE breakwater_${used})
  endforeach()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(BREAKWATER_SANITIZE)  # many times slower
    math(EXPR ARG_TIMEOUT "10 * ${ARG_TIMEOUT}")
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(ARG_LABELS MATCHES "unit|conformance|sim")
    add_dependencies(in_process_tests ${target})
  endif()
  add_test(NAME ${name} COMMAND ${target} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
                       ENVIRONMENT "BREAKWATER_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endfunction()
