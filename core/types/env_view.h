// SPDX-License-Identifier: GPL-3.0-or-later
// What a widget needs to draw one moment of an environment. Values only; an environment that can be drawn fills one.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace knife {

/// A matrix game. Tables are row-major over joint actions: the last agent's action runs fastest.
struct MatrixView {
    std::string title;                        ///< name of the payoff table, or of the state for multi-step games
    std::vector<int> shape;                   ///< actions per agent, one entry per agent
    std::vector<float> payoff;                ///< mean payoff of each joint action; product(shape) entries
    std::vector<float> learnedQTot;           ///< Q_tot of each joint action; empty until the learner has filled it
    std::vector<std::vector<float>> learnedQ; ///< per agent, the utility of each of its actions; may be empty
    std::vector<int> lastActions;             ///< last joint action, one entry per agent; empty before the first step
    bool operator==(const MatrixView&) const = default;
};

/// A grid world. Positions are (row, column), row 0 on top.
struct BoardView {
    enum class Kind : std::uint8_t { Agent, Stag, Hare, Wall };
    struct Piece {
        Kind kind = Kind::Agent;
        int id = 0; ///< index among pieces of the kind
        int row = 0;
        int column = 0;
        bool active = true; ///< false: a frozen agent, or prey already captured
        int action = -1;    ///< last action of an agent; -1 when there is none
        bool operator==(const Piece&) const = default;
    };
    int rows = 0;
    int columns = 0;
    int sightRadius = 0; ///< cells an agent sees in each direction; 0: not drawn
    bool toroidal = false;
    std::vector<Piece> pieces;
    std::vector<std::string> actionNames; ///< indexed by Piece::action
    bool operator==(const BoardView&) const = default;
};

/// A battle on a map. Positions are in cells, x to the east, y to the north.
struct BattleView {
    enum class Ground : std::uint8_t { Blocked, Open, Cliff };
    struct Unit {
        std::string type; ///< "marine"
        bool ally = true; ///< an agent, whose id is its index
        bool flies = false;
        float x = 0.F;
        float y = 0.F;
        float radius = 0.F;
        float health = 0.F; ///< 0: dead
        float healthMax = 0.F;
        float shield = 0.F;
        float shieldMax = 0.F;
        float energy = 0.F;
        float energyMax = 0.F; ///< 0: it has none
        float sight = 0.F;     ///< how far an agent sees
        float reach = 0.F;     ///< how far it can strike
        float facing = 0.F;    ///< radians from the east, where coneAngle is not 0
        int action = -1;       ///< last action of an agent; -1: none
        int struck = -1;       ///< index of the unit that it struck or healed in the last step; -1: nobody
        bool heals = false;    ///< that was no blow
        bool operator==(const Unit&) const = default;
    };
    int width = 0;
    int height = 0;
    std::vector<Ground> ground;           ///< [height x width], from the south
    std::vector<float> heights;           ///< likewise, 0 to 1
    float coneAngle = 0.F;                ///< of what agents see, radians; 0: all around
    std::vector<Unit> units;              ///< agents in the order of their ids, then enemies
    std::vector<std::string> actionNames; ///< indexed by Unit::action
    bool operator==(const BattleView&) const = default;
};

/// Bodies in a plane without walls. x to the east, y to the north.
struct PlaneView {
    enum class Kind : std::uint8_t { Agent, Prey, Landmark };
    struct Body {
        Kind kind = Kind::Agent;
        int id = 0; ///< index among bodies of the kind
        float x = 0.F;
        float y = 0.F;
        float radius = 0.F;
        float velocityX = 0.F; ///< per unit of time
        float velocityY = 0.F;
        bool caught = false; ///< prey that an agent touches
        int action = -1;     ///< last action of an agent; -1: none
        bool operator==(const Body&) const = default;
    };
    float sight = 0.F;                    ///< how far an agent sees; 0: everything, or nothing
    std::vector<Body> bodies;             ///< agents in the order of their ids, then all others
    std::vector<std::string> actionNames; ///< indexed by Body::action
    bool operator==(const PlaneView&) const = default;
};

/// What an agent went by when it chose its last action.
struct ChoiceView {
    std::vector<float> observation;
    std::vector<float> values;       ///< Q of each action
    std::vector<std::uint8_t> legal; ///< per action, 1: it was
    int action = -1;
    bool operator==(const ChoiceView&) const = default;
};

/// One moment of one episode.
struct EnvView {
    std::string envName;
    std::string task; ///< name of the task instance
    int step = 0;     ///< steps taken in this episode
    int episodeLimit = 0;
    float lastReward = 0.F;
    float episodeReturn = 0.F;
    bool greedy = false; ///< the episode is an evaluation
    std::variant<std::monostate, MatrixView, BoardView, BattleView, PlaneView> scene;
    std::vector<std::string> featureNames; ///< of what agents observe; empty: it has none
    std::vector<ChoiceView> choices;       ///< by agent; empty where no network has chosen yet
    bool operator==(const EnvView&) const = default;
};

} // namespace knife
