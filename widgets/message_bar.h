// SPDX-License-Identifier: GPL-3.0-or-later
// Says what went wrong (or right) without stopping anybody: never a dialog, never more than one line until asked.
#pragma once

#include <memory>

#include <QString>
#include <QWidget>

namespace knife {

class MessageBar final : public QWidget {
    Q_OBJECT

  public:
    struct Message { // nested: the control channel has a Message of its own
        enum class Severity { Information, Success, Warning, Error };
        Severity severity = Severity::Information;
        QString text;       ///< what happened and what was kept
        QString details;    ///< more, behind a "Details" button; may be empty
        QString actionText; ///< "Resume", …; empty: no action
        QString actionId;   ///< comes back in actionTriggered
    };

    explicit MessageBar(QWidget* parent = nullptr);
    ~MessageBar() override;

    /// Shows the message. The same text again only raises its counter. A message of lower severity does not push out
    /// a worse one that is still open: it waits until that is closed.
    void post(const Message& message);
    /// Closes whatever is shown, and forgets what waits.
    void dismissAll();
    [[nodiscard]] QString text() const; ///< empty when closed
    [[nodiscard]] int repeats() const;  ///< how often the shown message came

  Q_SIGNALS:
    void actionTriggered(const QString& actionId);
    void closed();

  protected:
    void changeEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
