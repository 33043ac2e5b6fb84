// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <set>
#include <string>

#include "core/types/error.h"

using namespace knife;

namespace {

constexpr ErrorCode kAll[] = {
    ErrorCode::Usage,         ErrorCode::NotFound,          ErrorCode::Io,       ErrorCode::DiskFull,
    ErrorCode::Corrupt,       ErrorCode::NewerVersion,      ErrorCode::Foreign,  ErrorCode::Locked,
    ErrorCode::IllegalAction, ErrorCode::IllegalTransition, ErrorCode::Diverged, ErrorCode::Protocol,
    ErrorCode::Unsupported,   ErrorCode::Internal};

Result<int> half(int number) {
    if (number % 2 != 0) {
        return fail(ErrorCode::Usage, "expected an even number");
    }
    return number / 2;
}

} // namespace

class TestError : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void everyCodeHasAName();
    void contextIsAddedInOrder();
    void exitCodes();
    void resultsCarryEither();
};

void TestError::everyCodeHasAName() {
    std::set<std::string> names;
    for (const ErrorCode code : kAll) {
        QVERIFY(names.insert(std::string(knife::toString(code))).second);
    }
    QCOMPARE(std::string(knife::toString(ErrorCode::NewerVersion)), std::string("newer_version"));
}

void TestError::contextIsAddedInOrder() {
    Error error{ErrorCode::Io, "disk says no", {}};
    QCOMPARE(error.describe(), std::string("disk says no"));
    const Error outer = std::move(error).within("writing a chunk").within("training run abc");
    QCOMPARE(outer.describe(), std::string("disk says no (while writing a chunk) (while training run abc)"));
    QVERIFY(outer.code == ErrorCode::Io);
}

void TestError::exitCodes() {
    for (const ErrorCode code : kAll) {
        QCOMPARE(exitCode(Error{code, "", {}}), code == ErrorCode::Usage ? 2 : 1);
    }
}

void TestError::resultsCarryEither() {
    QCOMPARE(half(4).value(), 2);
    const auto odd = half(3);
    QVERIFY(!odd && odd.error().code == ErrorCode::Usage);
    QCOMPARE(odd.error().message, std::string("expected an even number"));
}

QTEST_APPLESS_MAIN(TestError)
#include "tst_error.moc"
