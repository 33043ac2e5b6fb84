// SPDX-License-Identifier: GPL-3.0-or-later
#include <memory>
#include <span>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "core/learning/learner.h"

namespace knife {

namespace {

class Sha256 {
  public:
    Sha256() : m_context(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        EVP_DigestInit_ex(m_context.get(), EVP_sha256(), nullptr);
    }

    void add(const void* bytes, std::size_t size) { EVP_DigestUpdate(m_context.get(), bytes, size); }

    [[nodiscard]] std::string hex() {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        EVP_DigestFinal_ex(m_context.get(), digest, &size);
        return fmt::format("{:02x}", fmt::join(std::span(digest, size), ""));
    }

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> m_context;
};

} // namespace

std::string Learner::weightsSha256() const {
    Sha256 hash;
    for (const Parameter& parameter : m_online->parameters().all()) {
        const std::string header =
            fmt::format("{} [{}]\n", parameter.name, fmt::join(parameter.value.sizes().vec(), ", "));
        hash.add(header.data(), header.size());
        const at::Tensor value = parameter.value.detach().cpu();
        hash.add(value.data_ptr<float>(), static_cast<std::size_t>(value.numel()) * sizeof(float));
    }
    return hash.hex();
}

} // namespace knife
