// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace knife {

/// A tensor's values in the CPU's memory, dense; those that are so already are not copied.
class HostValues {
  public:
    /// `values` must outlive this.
    explicit HostValues(const at::Tensor& values)
        : m_data(values.is_cpu() && values.is_contiguous() ? values.data_ptr<float>() : copy(values)) {}
    [[nodiscard]] const float* data() const { return m_data; }

  private:
    const float* copy(const at::Tensor& values) {
        m_copy = values.cpu().contiguous();
        return m_copy.data_ptr<float>();
    }
    at::Tensor m_copy; // before m_data, which may point into it
    const float* m_data;
};

} // namespace knife
