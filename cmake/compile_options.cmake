# Warnings, sanitizers and ccache for every target of the project.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(NESTJIT_CCACHE ccache)
if(NESTJIT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${NESTJIT_CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wshadow=local)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    add_compile_options(-Wno-restrict)  # false alarms on "text" + std::string (GCC bug 105651)
  endif()
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wno-deprecated-declarations)  # of libstdc++ 12's own, in stable_sort
endif()

# Products and sums fuse only where the source says std::fma: results must not depend on flags.
add_compile_options(-ffp-contract=off)

if(NESTJIT_SANITIZE)
  add_compile_options(-fsanitize=${NESTJIT_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NESTJIT_SANITIZE})
  if(NESTJIT_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
