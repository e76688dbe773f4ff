# Writes a header with a digest of the sources that decide what code a kernel gets. Kernels on disk
# are those of one build: a changed pass must not find what an earlier one made.
#   cmake -D ROOT=<source folder> -D HEADER=<file> -P source_id.cmake
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/base/*.h ${ROOT}/base/*.cpp ${ROOT}/ir/*.h
     ${ROOT}/ir/*.cpp ${ROOT}/compiler/*.h ${ROOT}/compiler/*.cpp ${ROOT}/ops/*.h ${ROOT}/ops/*.cpp
     ${ROOT}/runtime/conv_kernel.*)
list(SORT sources)
set(all "")
foreach(source IN LISTS sources)
  file(SHA256 ${ROOT}/${source} digest)
  string(APPEND all "${source} ${digest}\n")
endforeach()
string(SHA256 digest "${all}")
string(SUBSTRING ${digest} 0 16 digest)
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define NESTJIT_SOURCE_ID \"${digest}\"\n" @ONLY)
