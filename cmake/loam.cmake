# How every target of Loam is compiled, and the two kinds of targets there are.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_SKIP_RPATH ON)

add_compile_options(
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wimplicit-fallthrough
  # The same source gives the same bytes wherever it lies.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=build
  -fstack-protector-strong -fstack-clash-protection -fcf-protection)
add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=3> LOAM_VERSION="${PROJECT_VERSION}")
add_link_options(-Wl,-z,relro,-z,now -Wl,--build-id=sha1)

# loam_library(NAME LINKS...): all sources of the current folder but tests and fuzzers, as loam_NAME.
function(loam_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$")
  add_library(loam_${name} STATIC ${sources})
  target_include_directories(loam_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(loam_${name} PUBLIC ${ARGN})
endfunction()

# All test programs, all fuzzers, and nothing else.
add_custom_target(test_programs)
add_custom_target(fuzzers)

# loam_tests(NAME LINKS...): the *_test.cpp beside the sources of loam_NAME, as one program.
function(loam_tests name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE loam_${name} loam_testing ${ARGN})
  add_test(NAME ${name} COMMAND ${name}_test)
  add_dependencies(test_programs ${name}_test)
endfunction()

# loam_fuzzers(NAME): each *_fuzz.cpp beside the sources of loam_NAME, as a program of its own; only in the preset "fuzz".
function(loam_fuzzers name)
  if(NOT LOAM_FUZZ)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_fuzz.cpp)
  foreach(source ${sources})
    cmake_path(GET source STEM fuzzer)
    add_executable(${fuzzer} ${source})
    target_link_libraries(${fuzzer} PRIVATE loam_${name})
    target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${fuzzer})
  endforeach()
endfunction()
