#include <gtest/gtest.h>

#include "tests/tidy/rules.h"

namespace breakwater::tidy {
namespace {

using Rule = void (*)(const Source&, Findings&);

// The lines that `rule` complains about.
std::vector<size_t> lines_found(Rule rule, std::string_view text,
                                std::string path = "src/velero/a.cc") {
  Findings findings;
  rule(make_source(std::move(path), text), findings);
  std::vector<size_t> lines;
  for (const Finding& finding : findings) lines.push_back(finding.line);
  return lines;
}

using Lines = std::vector<size_t>;

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(TidyRules, CodeIsToldFromComments) {
  const Source source = make_source("a.cc",
                                    "#define X \\\n  getenv(\nint a; // getenv(\n/* getenv(\n"
                                    "*/ f();\ng(\"getenv(\\\"\"); h('\"');\n"
                                    "i(R\"x(getenv(\n\")\")x\"); j(1'000);");
  std::string code;
  for (const std::string& line : source.code) code += line + "\n";
  EXPECT_EQ(code.find("getenv"), std::string::npos) << code;
  for (const char* kept : {"int a;", "f();", "g(\"", "h('", "i(R\"", "\"); j(1'000);"}) {
    EXPECT_NE(code.find(kept), std::string::npos) << kept << " in " << code;
  }
}

TEST(TidyRules, ColumnsCountCharacters) {
  const std::string fits(100, 'x');
  EXPECT_EQ(lines_found(check_columns, fits + "\n" + fits + "x"), Lines{2});
  EXPECT_EQ(lines_found(check_columns, repeat("\u2026", 100)), Lines{});
  EXPECT_EQ(lines_found(check_columns, fits + "x", "docs/a.md"), Lines{});
}

TEST(TidyRules, LongFilesAndFunctionsAreFound) {
  EXPECT_EQ(lines_found(check_file_length, repeat("\n", 600)), Lines{});
  EXPECT_EQ(lines_found(check_file_length, repeat("\n", 601)), Lines{0});
  const std::string body = repeat("  f();\n", 68);
  for (const std::string head :
       {"void f() {\n", "TEST(A, b) {\n", "namespace a {\nclass B : public C {\n public:\nB() {\n",
        "A::A(int b) : b_(b), c_{b, {}} {\n", "template <class T = A<B>>\nT f(Fields x = {}) {\n",
        "const int kA[] = {1, 2};\nstruct S final { int x{3}; };\nauto A::b() const -> C {\n"}) {
    const auto lines = static_cast<size_t>(std::count(head.begin(), head.end(), '\n'));
    const bool template_head = head.starts_with("template");
    EXPECT_EQ(lines_found(check_function_length, head + body + "}\n"),
              template_head ? Lines{1} : Lines{})
        << head;
    EXPECT_EQ(lines_found(check_function_length, head + body + "  g();\n}\n"),
              Lines{template_head ? 1 : lines})
        << head;
  }
  EXPECT_EQ(lines_found(check_function_length, "namespace a {\nenum E {\n" + repeat("x,\n", 90) +
                                                   "};\nconst T k = {\n" + repeat("{f(1)},\n", 90) +
                                                   "};\n}\n"),
            Lines{});
}

TEST(TidyRules, BannedCallsAreFoundOutsideTheirPlaces) {
  const std::string text =
      "auto a = std::chrono::system_clock::now();\nint b = rand();\nint c = operand(d);\n"
      "// getenv(\nconst char* e = std::getenv(\"HOME\");\n#include <iostream>\nstd::thread t;\n"
      "std::this_thread::sleep_for(x);\n";
  EXPECT_EQ(lines_found(check_banned_calls, text), (Lines{1, 2, 5, 6, 7, 8}));
  EXPECT_EQ(lines_found(check_banned_calls, text, "src/cli/main.cc"), (Lines{2, 6}));
  EXPECT_EQ(lines_found(check_banned_calls, text, "src/client/a.cc"), (Lines{1, 2, 5, 6, 7, 8}));
  EXPECT_EQ(lines_found(check_banned_calls, text, "tests/a/b.cc"), (Lines{2, 6}));
}

TEST(TidyRules, HeadersNeedACommentAndAGuard) {
  EXPECT_EQ(lines_found(check_header, "// What.\n#pragma once\n", "src/a/b.h"), Lines{});
  EXPECT_EQ(lines_found(check_header, "#pragma once\n// What.\n", "src/a/b.h"), Lines{1});
  EXPECT_EQ(lines_found(check_header, "// What.\n", "src/a/b.h"), Lines{1});
  const char* heavy = "// What.\n#pragma once\n#include <spdlog/spdlog.h>\n";
  EXPECT_EQ(lines_found(check_header, heavy, "src/a/b.h"), Lines{3});
}

TEST(TidyRules, LeftoversAndMachinePathsAreFound) {
  EXPECT_EQ(lines_found(check_leftovers,
                        "a\n// TO"
                        "DO: x\nmyTO"
                        "DOs\n# FIX"
                        "ME\n",
                        "docs/a.md"),
            (Lines{2, 4}));
  const char* paths =
      "a\ncd /work"
      "/main\nx/work"
      "/y\n\"/tmp"
      "/bw\"\n";
  EXPECT_EQ(lines_found(check_machine_paths, paths, "docs/a.md"), (Lines{2, 4}));
}

TEST(TidyRules, BracesInAwaitedCallsAreFound) {
  EXPECT_EQ(lines_found(check_co_await,
                        "co_await f(g{1});\nco_await f(x);\nf({1});\n"
                        "if (co_await f()) { g(); }\nh({2},\n  co_await i());\n"),
            (Lines{1, 6}));
}

TEST(TidyRules, LayersFollowUses) {
  const std::vector<Source> project = {
      make_source("src/base/CMakeLists.txt", "breakwater_module(base FLOOR 0\n  LIBS x)"),
      make_source("src/kube/CMakeLists.txt",
                  "breakwater_module(kube FLOOR 1 SOURCES a.cc\n  USES base # repo\n)\n"
                  "other(USES repo)"),
      make_source("src/repo/CMakeLists.txt", "breakwater_module(repo FLOOR 2 USES base)"),
      make_source("src/api/CMakeLists.txt", "breakwater_module(api FLOOR 2 USES kube)"),
      make_source("src/api/a.cc",
                  "#include \"api/a.h\"\n#include \"kube/b.h\"\n#include \"base/c.h\"\n"
                  "#include \"repo/d.h\"\n#include \"e.h\"\n#include <vector>\n"),
      make_source("src/kube/a.cc", "#include \"repo/d.h\"\n")};
  Findings findings;
  check_layering(project, findings);
  std::vector<std::string> messages;
  for (const Finding& finding : findings) messages.push_back(finding.to_string());
  EXPECT_EQ(messages,
            (std::vector<std::string>{
                "src/api/a.cc:4: api may not include repo: src/api/CMakeLists.txt does not list it "
                "under USES",
                "src/api/a.cc:5: include \"module/file.h\" relative to src/, not \"e.h\"",
                "src/kube/a.cc:1: kube may not include repo: src/kube/CMakeLists.txt does not list "
                "it under USES"}));
  findings.clear();
  check_module_files(project, findings);
  ASSERT_EQ(findings.size(), 4u);
  EXPECT_EQ(findings[0].path, "src/api/README.md");
}

TEST(Tidy, TheProjectFollowsItsRules) {
  const std::vector<Source> project = load_project(".");
  ASSERT_GT(project.size(), 20u) << "run this in the project's directory";
  const Findings findings = check_project(project);
  std::string report;
  for (const Finding& finding : findings) report += finding.to_string() + "\n";
  EXPECT_TRUE(findings.empty()) << findings.size() << " findings:\n" << report;
}

}  // namespace
}  // namespace breakwater::tidy
