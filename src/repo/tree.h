// Trees as restic stores them: the plaintext of a tree blob. Pure functions.
//
//   {"nodes":[{"name":…,"type":…,…},…]}\n
//
// Member order, what is left out when empty, and escaping are restic's, so that an unchanged tree
// keeps its id whoever writes it. Source: restic doc/design.rst, "Trees and Data", and what it
// writes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "repo/types.h"

namespace breakwater::repo {

// kInvalid unless names are sorted, unique, not empty and single path components.
Result<std::string> encode_tree(const Tree& tree);

// kCorrupt for what is no tree. Accepts what restic wrote in any version: nodes in any order,
// members it does not know (kept in Node::other). A file whose content is null or missing is kept
// as the entry {"content", "null"} of Node::other: restic's check complains about it, and so does
// ours.
Result<Tree> decode_tree(std::string_view text);

}  // namespace breakwater::repo
