// SPDX-License-Identifier: GPL-3.0-or-later
// Linear -> ReLU -> Linear whose hidden units can be replaced by composites without changing one bit of the output:
//
//   y = V relu(W x + b) + c + sum_e [ VA_e relu(WA_e x + bA_e) - VC_e relu(WC_e x + bC_e) ]
//
// Some agents may have rows of W of their own (unit_clones.h).
//
// Knowledge neurons stay in their slot of W, b, V with their gradient masked. The active (A) and the compensation (C)
// neurons of one surgery event e are evaluated by kernels of equal shape on equal values, so that their difference is
// exactly +0 until the active neurons are first updated. Kernels of earlier events never change shape.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/parameters.h"
#include "core/nets/site_tap.h"
#include "core/nets/unit_clones.h"

namespace knife {

/// The active and compensation neurons that one surgery event added to one site.
struct CompositeBranch {
    std::int64_t event = 0;
    std::vector<int> units;          ///< owners, ascending; column k of the branch belongs to units[k]
    std::vector<char> superseded;    ///< per column: a later event froze its active neuron (it is knowledge now)
    Parameter* activeIn = nullptr;   ///< WA [n, d_in]
    Parameter* activeBias = nullptr; ///< bA [n]
    Parameter* activeOut = nullptr;  ///< VA [d_out, n]
    Parameter* compensationIn = nullptr;
    Parameter* compensationBias = nullptr;
    Parameter* compensationOut = nullptr;
};

/// Whether the outgoing weights of knowledge neurons go on learning.
enum class KnowledgeOut : std::uint8_t { Frozen, Trainable };

/// What the active and the compensation neurons of a branch start at.
struct BranchValues {
    at::Tensor in;   ///< [n, d_in]
    at::Tensor bias; ///< [n]
    at::Tensor out;  ///< [d_out, n]
};

class CompositeLinear {
  public:
    struct Shape {
        std::int64_t in = 0;
        std::int64_t hidden = 0;
        std::int64_t out = 0;
    };

    /// Declares W, b as `<name>.weight/bias` and V, c as `<consumer>.weight/bias`, drawn as torch.nn.Linear does.
    CompositeLinear(ParameterSet& parameters, const std::string& name, const std::string& consumer, Shape shape,
                    std::uint64_t seed);

    /// x [rows, in] -> y [rows, out]. Fills `tap` if given. `units`, if given, becomes what each unit gives as one
    /// value, relu of K + sum of A - C [rows, hidden]: for readers that make no difference between the parts of one.
    [[nodiscard]] at::Tensor forward(const at::Tensor& x, SiteTap* tap, at::Tensor* units = nullptr) const;

    /// Makes composites of these units (ascending, no repeats): freezes their live rows and, if so wished, columns,
    /// then adds a branch whose active and compensation neurons both start at `born`. What an output whose bias is
    /// frozen reads of the new neurons is frozen too: that output is knowledge itself.
    void addComposites(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                       const BranchValues& born, KnowledgeOut knowledge);
    /// Declares a branch of the same structure without freezing anything, for reading a checkpoint.
    void addBranchStructure(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units);
    /// Gives groups of agents rows of their own for these units (unit_clones.h). Rows of x must cycle through the
    /// agents from now on. Requires plain units: none is a composite or has clones.
    void addClones(ParameterSet& parameters, std::int64_t event, const AgentGroups& groups);
    /// Forgets all branches and clones; the caller restores masks and truncates the parameter set.
    void dropBranches();
    /// From now on frozen neurons pass no gradient to x. No value changes.
    void stopGradientOfFrozen() { m_stopsGradient = true; }

    [[nodiscard]] const Shape& shape() const { return m_shape; }
    /// Incoming row, bias and outgoing column of one neuron.
    [[nodiscard]] std::int64_t parametersPerUnit() const { return m_shape.in + 1 + m_shape.out; }
    [[nodiscard]] Parameter* weight() const { return m_weight; }
    [[nodiscard]] Parameter* bias() const { return m_bias; }
    [[nodiscard]] Parameter* out() const { return m_out; }
    [[nodiscard]] const Parameter& outBias() const { return *m_outBias; }
    [[nodiscard]] Parameter* outBiasParameter() const { return m_outBias; }
    [[nodiscard]] const std::vector<CompositeBranch>& branches() const { return m_branches; }
    [[nodiscard]] const UnitClones& clones() const { return m_clones; }
    /// Grows whenever branches come or go: whoever keeps addresses of their parameters must look at it.
    [[nodiscard]] std::int64_t version() const { return m_version; }

  private:
    void declareBranch(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                       const BranchValues& born);
    void supersede(const std::vector<int>& units);
    void freezeForKnowledge(ParameterSet& parameters, const CompositeBranch& branch) const;

    std::string m_name;
    Shape m_shape;
    Parameter* m_weight;
    Parameter* m_bias;
    Parameter* m_out;
    Parameter* m_outBias;
    std::vector<CompositeBranch> m_branches;
    UnitClones m_clones;
    std::int64_t m_version = 0;
    bool m_stopsGradient = false;
};

} // namespace knife
