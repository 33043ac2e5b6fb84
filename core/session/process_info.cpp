// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/process_info.h"

#include <dlfcn.h>
#include <unistd.h>

#include <fstream>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include "core/nets/kernels/small_gemm.h"

namespace knife {

namespace {

// OpenBLAS is reached through libblas.so.3; its own entry points exist only when it is the one behind that name.
template <typename Function>
Function blasSymbol(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

} // namespace

std::uint64_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    if (!(statm >> total >> resident)) {
        return 0;
    }
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void keepLibrariesToOneThread() {
    at::set_num_threads(1);
    // OpenBLAS keeps a pool of its own that LibTorch does not govern.
    if (const auto setBlasThreads = blasSymbol<void (*)(int)>("openblas_set_num_threads")) {
        setBlasThreads(1);
    }
}

std::string engineVersion() {
    return fmt::format("LibTorch {}", TORCH_VERSION);
}

std::string smallProductsDescription() {
    constexpr GemmShape kTypical{.m = 32, .n = 64, .k = 64, .lda = 64, .ldb = 64, .ldc = 64};
    return SmallGemm::product(kTypical, Accumulate::No).backend() == GemmBackend::Generated ? "LIBXSMM"
                                                                                            : "BLAS (slower)";
}

std::string blasDescription() {
    if (const auto config = blasSymbol<char* (*)()>("openblas_get_config")) {
        return config();
    }
    return "reference BLAS (slow: install libopenblas0-pthread or libopenblas-dev)";
}

} // namespace knife
