// SPDX-License-Identifier: GPL-3.0-or-later
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include "app/workbench/preferences.h"

using namespace knife;

class TestPreferences final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        QCoreApplication::setOrganizationName("knife-workbench");
        QCoreApplication::setApplicationName("knife-workbench");
    }
    void roundTrip();
    void nonsenseGivesDefaults();
    void layoutOfAnotherVersionIsLeftOut();
    void unknownKeysStay();
    void recentWorkspacesAreBoundedAndUnique();
    void pathLiesInTheConfigurationFolder();
};

namespace {

Preferences unusual() {
    Preferences preferences;
    preferences.theme = Theme::Dark;
    preferences.recentWorkspaces = {"/data/a, b", "/data/ünïcode"};
    preferences.experimentFolder = "/data/experiments";
    preferences.shownMetrics = {"test/return", "plasticity/agent.fc1/stagnant"};
    preferences.xClock = XClock::Wall;
    preferences.smoothing = 2500.5;
    preferences.diagnostic = "grad_norm";
    preferences.geometry = QByteArray("\x00\x01\xff", 3);
    preferences.windowState = "state";
    preferences.columnsSplit = "columns";
    preferences.rowsSplit = "rows";
    preferences.neuronsSplit = "neurons";
    preferences.runColumns = "columns";
    return preferences;
}

} // namespace

void TestPreferences::roundTrip() {
    QFile::remove(preferencesPath());
    {
        QSettings settings(preferencesPath(), QSettings::IniFormat);
        savePreferences(unusual(), settings);
    }
    const QSettings settings(preferencesPath(), QSettings::IniFormat);
    QVERIFY(loadPreferences(settings) == unusual());
}

void TestPreferences::nonsenseGivesDefaults() {
    const QTemporaryDir folder;
    QSettings settings(folder.filePath("p.ini"), QSettings::IniFormat);
    settings.setValue("view/theme", 17);
    settings.setValue("curves/clock", "fortnights");
    settings.setValue("curves/smoothing", "nan");
    QVERIFY(loadPreferences(settings) == Preferences{});
}

void TestPreferences::layoutOfAnotherVersionIsLeftOut() {
    const QTemporaryDir folder;
    QSettings settings(folder.filePath("p.ini"), QSettings::IniFormat);
    savePreferences(unusual(), settings);
    settings.setValue("layout/version", Preferences::kLayoutVersion + 1);
    const Preferences loaded = loadPreferences(settings);
    QVERIFY(loaded.geometry.isEmpty());
    QVERIFY(loaded.windowState.isEmpty());
    QVERIFY(loaded.theme == Theme::Dark);
}

void TestPreferences::unknownKeysStay() {
    const QTemporaryDir folder;
    QSettings settings(folder.filePath("p.ini"), QSettings::IniFormat);
    settings.setValue("later/version", "knows this");
    savePreferences(unusual(), settings);
    QCOMPARE(settings.value("later/version").toString(), "knows this");
}

void TestPreferences::recentWorkspacesAreBoundedAndUnique() {
    Preferences preferences;
    for (int i = 0; i < 20; ++i) {
        preferences.rememberWorkspace(QString::number(i));
    }
    preferences.rememberWorkspace("15");
    QCOMPARE(preferences.recentWorkspaces.size(), Preferences::kRecentCapacity);
    QCOMPARE(preferences.recentWorkspaces.first(), "15");
    QCOMPARE(preferences.recentWorkspaces.count("15"), 1);
}

void TestPreferences::pathLiesInTheConfigurationFolder() {
    QVERIFY(preferencesPath().startsWith(QStandardPaths::writableLocation(QStandardPaths::AppConfigLocation)));
}

QTEST_GUILESS_MAIN(TestPreferences)
#include "tst_preferences.moc"
