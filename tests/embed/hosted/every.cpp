// SPDX-License-Identifier: BSD-2-Clause
// The same program as C++17: aggregates, enumerations and the libraries' C linkage. <version> comes from C++20.
#include <type_traits>
#include "every.c"

static_assert(__cplusplus >= 201703L && __cplusplus < 202002L, "this test is about C++17");
static_assert(!std::is_convertible_v<ash_pa_t, ash_ipa_t>, "addresses do not mix");
