// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/command_line.h"

#include <QCommandLineParser>
#include <QCoreApplication>

namespace knife {

namespace {

QString text(const char* source) {
    return QCoreApplication::translate("CommandLine", source);
}

/// "agent.fc1:12"
std::optional<NeuronRef> unitFrom(const QString& value) {
    const qsizetype colon = value.lastIndexOf(':');
    bool isNumber = false;
    const int index = value.mid(colon + 1).toInt(&isNumber);
    return colon > 0 && isNumber && index >= 0 ? std::optional(NeuronRef{value.left(colon).toStdString(), index})
                                               : std::nullopt;
}

/// Why a value of an option cannot be used; empty: it can.
QString readValues(const QCommandLineParser& parser, LaunchOptions& options) {
    options.workspace = parser.positionalArguments().value(0);
    options.startFile = parser.value("start");
    options.select = parser.value("select");
    options.screenshot = parser.value("screenshot");
    options.timing = parser.isSet("timing");
    if (parser.positionalArguments().size() > 1) {
        return text("There can be only one workspace.");
    }
    if (parser.isSet("inspect")) {
        options.inspect = unitFrom(parser.value("inspect"));
        if (!options.inspect) {
            return text("--inspect takes a site and the number of a unit, for example agent.fc1:12.");
        }
    }
    if (parser.isSet("theme")) {
        options.theme = themeFromString(parser.value("theme"));
        if (toString(*options.theme) != parser.value("theme")) {
            return text("--theme takes light, dark or system.");
        }
    }
    bool isNumber = true;
    if (parser.isSet("after")) {
        options.afterS = parser.value("after").toDouble(&isNumber);
    }
    return isNumber && options.afterS >= 0.0 ? QString() : text("--after takes a number of seconds.");
}

} // namespace

ParsedCommandLine parseCommandLine(const QStringList& arguments) {
    QCommandLineParser parser;
    parser.setApplicationDescription(
        text("Watch value-factorization agents learn, see every neuron, and operate on those that stopped."));
    parser.addOption({{"h", "help"}, text("Print this help.")});
    parser.addOption({{"v", "version"}, text("Print the version.")});
    parser.addOption({"start", text("Start a run of this experiment file."), text("file")});
    parser.addOption({"select", text("Show this run: an id, the beginning of one, or \"last\"."), text("run")});
    parser.addOption({"inspect", text("Show this unit, for example agent.fc1:12."), text("site:unit")});
    parser.addOption({"theme", text("Use light, dark or system colours this time."), text("name")});
    parser.addOption({"screenshot", text("Write an image of the window and leave."), text("file")});
    parser.addOption({"after", text("Seconds until the screenshot is taken (5)."), text("seconds")});
    parser.addOption({"timing", text("Report start-up time and the longest stall.")});
    parser.addPositionalArgument("workspace", text("Folder of runs; the last one by default."), "[workspace]");

    ParsedCommandLine result;
    if (!parser.parse(arguments)) {
        return {ParsedCommandLine::Kind::Wrong, {}, parser.errorText()};
    }
    if (parser.isSet("help")) {
        return {ParsedCommandLine::Kind::Help, {}, parser.helpText()};
    }
    if (parser.isSet("version")) {
        return {ParsedCommandLine::Kind::Version,
                {},
                QStringLiteral("knife-workbench %1\n").arg(QCoreApplication::applicationVersion())};
    }
    result.text = readValues(parser, result.options);
    result.kind = result.text.isEmpty() ? ParsedCommandLine::Kind::Run : ParsedCommandLine::Kind::Wrong;
    return result;
}

} // namespace knife
