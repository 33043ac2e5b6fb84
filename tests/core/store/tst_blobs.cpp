// SPDX-License-Identifier: GPL-3.0-or-later
#include <rapidcheck.h>

#include "core/store/blobs.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

std::vector<std::byte> bytesOf(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::size_t filesIn(const std::filesystem::path& folder) {
    const auto content = contentOf(folder);
    return static_cast<std::size_t>(
        std::count_if(content.begin(), content.end(), [](const auto& file) { return file.second != "(folder)"; }));
}

} // namespace

class TestBlobs : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<TemporaryWorkspace>();
        std::filesystem::create_directories(m_folder->path());
        m_blobs = std::make_unique<BlobStore>(m_folder->path());
    }

    void contentComesBack() {
        QVERIFY(rc::check("read(place(write(bytes))) == bytes", [this] {
            const auto content = bytesOf(*rc::gen::arbitrary<std::string>());
            const std::string hash = store(content);
            const auto back = m_blobs->read(hash, content.size());
            RC_ASSERT(back.has_value());
            RC_ASSERT(*back == content);
        }));
    }

    void equalContentIsOneFile() {
        const std::string first = store(bytesOf("weights"));
        QCOMPARE(store(bytesOf("weights")), first);
        QCOMPARE(first.size(), 32U);
        QCOMPARE(filesIn(m_folder->path()), 1U);
        m_blobs->remove(first);
        QCOMPARE(filesIn(m_folder->path()), 0U);
    }

    void whatIsNotPlacedIsGone() {
        {
            const Result<PendingBlob> pending = m_blobs->write(bytesOf("weights"), "run");
            KNIFE_VERIFY(pending);
            QCOMPARE(filesIn(m_folder->path()), 1U);
        }
        QCOMPARE(filesIn(m_folder->path()), 0U);
    }

    void leftoversOfADeadWriterAreRemovedByItsSuccessor() {
        writeFile(m_folder->path() / "mine.0123.tmp", "half");
        writeFile(m_folder->path() / "other.0123.tmp", "half");
        m_blobs->removeTemporaries("mine");
        QVERIFY(!std::filesystem::exists(m_folder->path() / "mine.0123.tmp"));
        QVERIFY(std::filesystem::exists(m_folder->path() / "other.0123.tmp"));
    }

    void everyDamageIsNoticedAndNamed() {
        const auto content = bytesOf(std::string(300, 'w') + "eights");
        const std::string hash = store(content);
        const std::filesystem::path file = m_blobs->fileOf(hash);
        const std::string good = readFile(file);
        for (std::size_t length = 0; length < good.size(); ++length) {
            writeFile(file, good.substr(0, length));
            expectCorrupt(hash, content.size());
        }
        // A flipped bit may be one that zstd ignores; then the content is right, and that is what counts.
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            std::string flipped = good;
            flipped[bit / 8] = static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ 1U << bit % 8);
            writeFile(file, flipped);
            const auto read = m_blobs->read(hash, content.size());
            QVERIFY(read ? *read == content : read.error().code == ErrorCode::Corrupt);
        }
        std::filesystem::remove(file);
        expectCorrupt(hash, content.size());
    }

    void aFolderThatCannotBeWrittenIsAnError() {
        writeFile(m_folder->path() / "file", "");
        const BlobStore nowhere(m_folder->path() / "file" / "below");
        QVERIFY(!nowhere.write(bytesOf("weights"), "run"));
    }

  private:
    std::string store(const std::vector<std::byte>& content) {
        Result<PendingBlob> blob = m_blobs->write(content, "run");
        std::string hash = blob ? blob->hash() : "";
        return blob && m_blobs->place(std::move(*blob)) ? hash : "";
    }

    void expectCorrupt(const std::string& hash, std::size_t bytes) {
        const auto read = m_blobs->read(hash, bytes);
        QVERIFY(!read);
        QVERIFY(read.error().code == ErrorCode::Corrupt);
        QVERIFY(read.error().message.find(hash) != std::string::npos);
    }

    std::unique_ptr<TemporaryWorkspace> m_folder;
    std::unique_ptr<BlobStore> m_blobs;
};

QTEST_APPLESS_MAIN(TestBlobs)
#include "tst_blobs.moc"
