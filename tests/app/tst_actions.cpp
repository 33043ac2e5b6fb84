// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>
#include <map>
#include <set>

#include <QAction>
#include <QTest>

#include "app/workbench/action_registry.h"
#include "app/workbench/commands.h"
#include "widgets/icons.h"

using namespace knife;

class TestActions final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everyActionIsDescribed();
    void shortcutsAndMnemonicsAreUnique();
    void stateDecidesWhatIsEnabled_data();
    void stateDecidesWhatIsEnabled();
    void nothingIsEnabledWithoutALink();
    void anObstacleIsExplained();
};

namespace {

/// The run commands that are enabled in a context.
std::set<QString> enabledIn(const CommandContext& context) {
    ActionRegistry registry;
    addCommands(registry);
    registry.refresh(context);
    std::set<QString> result;
    for (const char* id : {command::kStart, command::kPause, command::kStep, command::kRunTo, command::kStop,
                           command::kEvaluate, command::kCheckpoint, command::kOperate, command::kUndo}) {
        if (registry.action(id)->isEnabled()) {
            result.insert(id);
        }
    }
    return result;
}

} // namespace

void TestActions::everyActionIsDescribed() {
    ActionRegistry registry;
    addCommands(registry);
    QVERIFY(registry.actions().size() > 15);
    for (const QAction* action : registry.actions()) {
        const QByteArray id = action->objectName().toUtf8();
        QVERIFY2(!id.isEmpty(), "an action without an id");
        QVERIFY2(!action->text().isEmpty(), id.constData());
        QVERIFY2(!action->statusTip().isEmpty(), id.constData());
        QVERIFY2(!action->toolTip().isEmpty(), id.constData());
        QVERIFY2(!action->whatsThis().isEmpty(), id.constData());
    }
}

void TestActions::shortcutsAndMnemonicsAreUnique() {
    ActionRegistry registry;
    addCommands(registry);
    std::map<QKeySequence, QString> owner;
    std::set<QString> ids;
    for (const QAction* action : registry.actions()) {
        QVERIFY2(ids.insert(action->objectName()).second, qPrintable(action->objectName()));
        for (const QKeySequence& keys : action->shortcuts()) {
            const auto [known, isNew] = owner.emplace(keys, action->objectName());
            QVERIFY2(isNew, qPrintable(keys.toString() + ": " + known->second + ", " + action->objectName()));
        }
    }
}

void TestActions::stateDecidesWhatIsEnabled_data() {
    using namespace command;
    QTest::addColumn<int>("state");
    QTest::addColumn<QStringList>("enabled");
    QTest::newRow("starting") << int(RunState::Starting) << QStringList{};
    QTest::newRow("running") << int(RunState::Running)
                             << QStringList{kPause, kRunTo, kStop, kEvaluate, kCheckpoint, kOperate};
    QTest::newRow("pausing") << int(RunState::Pausing) << QStringList{kStop};
    QTest::newRow("paused") << int(RunState::Paused)
                            << QStringList{kStart, kStep, kRunTo, kStop, kEvaluate, kCheckpoint, kOperate, kUndo};
    QTest::newRow("stopping") << int(RunState::Stopping) << QStringList{};
    QTest::newRow("finished") << int(RunState::Finished) << QStringList{};
    QTest::newRow("failed") << int(RunState::Failed) << QStringList{kStart};
    QTest::newRow("interrupted") << int(RunState::Interrupted) << QStringList{kStart};
}

void TestActions::stateDecidesWhatIsEnabled() {
    QFETCH(int, state);
    QFETCH(QStringList, enabled);
    CommandContext context;
    context.state = static_cast<RunState>(state);
    context.attached = true;
    context.operable = true;
    context.undoable = true;
    QCOMPARE(enabledIn(context), std::set<QString>(enabled.begin(), enabled.end()));
}

void TestActions::nothingIsEnabledWithoutALink() {
    QVERIFY(enabledIn({}).empty());
    CommandContext unheard;
    unheard.operable = true;
    unheard.undoable = true;
    for (const RunState state : {RunState::Running, RunState::Paused, RunState::Pausing}) {
        unheard.state = state;
        QVERIFY(enabledIn(unheard).empty());
    }
}

void TestActions::anObstacleIsExplained() {
    ActionRegistry registry;
    addCommands(registry);
    registry.refresh({RunState::Running, true, false, false, false});
    const QString tip = registry.action(command::kUndo)->toolTip();
    QVERIFY2(tip.contains("Pause the run first"), qPrintable(tip));
    registry.refresh({RunState::Paused, true, false, false, true});
    QVERIFY(!registry.action(command::kUndo)->toolTip().contains('\n'));
}

QTEST_MAIN(TestActions)
#include "tst_actions.moc"
