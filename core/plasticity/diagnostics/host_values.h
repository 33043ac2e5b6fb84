// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace knife {

/// A tensor's values in the CPU's memory, dense; those that are so already are not copied.
class HostValues {
  public:
    explicit HostValues(const at::Tensor& values)
        : m_values(values.is_cpu() && values.is_contiguous() ? values : values.cpu().contiguous()),
          m_data(m_values.data_ptr<float>()) {}
    [[nodiscard]] const float* data() const { return m_data; }

  private:
    at::Tensor m_values;
    const float* m_data;
};

} // namespace knife
