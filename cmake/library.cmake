# The installed library: one shared object that holds every folder up to runtime/, so that a user
# needs neither our internal targets nor their dependencies. The tools and tests link the folders.
add_library(nestjit SHARED $<TARGET_OBJECTS:nestjit_runtime> $<TARGET_OBJECTS:nestjit_base>)
add_library(nestjit::nestjit ALIAS nestjit)
target_compile_features(nestjit PUBLIC cxx_std_20)
target_include_directories(nestjit INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(nestjit PRIVATE nestjit_runtime TBB::tbb Threads::Threads)
target_link_options(nestjit PRIVATE LINKER:--exclude-libs,ALL)
set_target_properties(nestjit PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
add_dependencies(nestjit nestjit-codegen)

include(CMakePackageConfigHelpers)
install(TARGETS nestjit EXPORT nestjitTargets)
install(EXPORT nestjitTargets NAMESPACE nestjit::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/nestjit FILE nestjitConfig.cmake)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nestjitConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nestjitConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/nestjit)
install(DIRECTORY include/nestjit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
