// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of tests that are repeated on several networks.
#pragma once

#include <initializer_list>

#include <QTest>

namespace knife::test {

struct NamedMixer {
    const char* name;
    const char* toml;
};

inline constexpr NamedMixer kTwoLayerQmix{"qmix of two layers", "method = \"qmix\"\nembed = 8\nhypernet_embed = 12"};
inline constexpr NamedMixer kOneLayerQmix{"qmix of one layer", "method = \"qmix\"\nembed = 8\nhypernet_layers = 1"};
inline constexpr NamedMixer kVdn{"vdn", "method = \"vdn\""};
inline constexpr NamedMixer kIql{"iql", "method = \"iql\""};
inline constexpr NamedMixer kQplex{"qplex", "method = \"qplex\""};

/// Columns "kind" and "mixer": agents "rnn" and "mlp" with each of the mixers.
inline void addNets(std::initializer_list<NamedMixer> mixers) {
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("mixer");
    for (const char* kind : {"rnn", "mlp"}) {
        for (const NamedMixer& mixer : mixers) {
            QTest::addRow("%s, %s", kind, mixer.name) << kind << mixer.toml;
        }
    }
}

} // namespace knife::test
