// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/message_bar.h"

#include <deque>

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/icons.h"
#include "widgets/theme.h"

namespace knife {

namespace {

using Message = MessageBar::Message;

/// More than these would not be read one by one anyway.
constexpr std::size_t kMaxWaiting = 20;

Tone toneOf(Message::Severity severity) {
    switch (severity) {
    case Message::Severity::Success:
        return Tone::Good;
    case Message::Severity::Warning:
        return Tone::Warning;
    case Message::Severity::Error:
        return Tone::Bad;
    case Message::Severity::Information:
        break;
    }
    return Tone::Info;
}

QString severityName(Message::Severity severity) {
    switch (severity) {
    case Message::Severity::Success:
        return MessageBar::tr("Done");
    case Message::Severity::Warning:
        return MessageBar::tr("Warning");
    case Message::Severity::Error:
        return MessageBar::tr("Error");
    case Message::Severity::Information:
        break;
    }
    return MessageBar::tr("Note");
}

} // namespace

class MessageBar::Impl {
  public:
    struct Entry {
        Message message;
        int repeats = 1;
    };

    explicit Impl(MessageBar& bar);
    void show();
    void closeCurrent();

    MessageBar& q;
    std::deque<Entry> entries; ///< the first one is on screen
    QLabel* kind = nullptr;
    QLabel* text = nullptr;
    QLabel* count = nullptr;
    QLabel* details = nullptr;
    QPushButton* action = nullptr;
    QToolButton* more = nullptr;
    QToolButton* close = nullptr;
};

MessageBar::Impl::Impl(MessageBar& bar) : q(bar) {
    auto* column = new QVBoxLayout(&q);
    const int em = q.fontMetrics().height();
    column->setContentsMargins(3 * em / 4, em / 3, em / 3, em / 3);
    auto* row = new QHBoxLayout;
    kind = new QLabel(&q);
    QFont bold = kind->font();
    bold.setWeight(QFont::DemiBold);
    kind->setFont(bold);
    text = new QLabel(&q);
    text->setObjectName(QStringLiteral("messageText"));
    text->setWordWrap(true);
    text->setTextFormat(Qt::PlainText);
    text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    count = new QLabel(&q);
    count->setObjectName(QStringLiteral("messageCount"));
    action = new QPushButton(&q);
    action->setObjectName(QStringLiteral("messageAction"));
    more = new QToolButton(&q);
    more->setObjectName(QStringLiteral("messageDetails"));
    more->setText(MessageBar::tr("Details"));
    more->setAccessibleName(MessageBar::tr("Show details"));
    more->setCheckable(true);
    more->setAutoRaise(true);
    close = new QToolButton(&q);
    close->setObjectName(QStringLiteral("messageClose"));
    close->setIcon(icon(QStringLiteral("close")));
    close->setToolTip(MessageBar::tr("Close this message"));
    close->setAccessibleName(MessageBar::tr("Close this message"));
    close->setAutoRaise(true);
    row->addWidget(kind);
    row->addWidget(text, 1);
    row->addWidget(count);
    row->addWidget(more);
    row->addWidget(action);
    row->addWidget(close);
    column->addLayout(row);
    details = new QLabel(&q);
    details->setObjectName(QStringLiteral("messageMore"));
    details->setWordWrap(true);
    details->setTextFormat(Qt::PlainText);
    details->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(details);
    QObject::connect(more, &QToolButton::toggled, details, &QWidget::setVisible);
    QObject::connect(close, &QToolButton::clicked, &q, [this] { closeCurrent(); });
    QObject::connect(action, &QPushButton::clicked, &q, [this] {
        const QString id = entries.front().message.actionId;
        closeCurrent();
        Q_EMIT q.actionTriggered(id);
    });
}

void MessageBar::Impl::show() {
    q.setVisible(!entries.empty());
    if (entries.empty()) {
        return;
    }
    const Message& message = entries.front().message;
    kind->setText(severityName(message.severity));
    QPalette tinted = q.palette();
    tinted.setColor(QPalette::WindowText, toneColour(toneOf(message.severity), q.palette()));
    kind->setPalette(tinted);
    text->setText(message.text);
    const int repeats = entries.front().repeats;
    count->setText(MessageBar::tr("%1 times").arg(repeats));
    count->setVisible(repeats > 1);
    more->setVisible(!message.details.isEmpty());
    details->setText(message.details);
    details->setVisible(more->isChecked() && !message.details.isEmpty());
    action->setText(message.actionText);
    action->setAccessibleName(message.actionText);
    action->setVisible(!message.actionText.isEmpty());
    q.setAccessibleName(QStringLiteral("%1: %2").arg(kind->text(), message.text));
    q.update();
}

void MessageBar::Impl::closeCurrent() {
    entries.pop_front();
    more->setChecked(false);
    show();
    if (entries.empty()) {
        Q_EMIT q.closed();
    }
}

MessageBar::MessageBar(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    hide();
}

MessageBar::~MessageBar() = default;

void MessageBar::post(const Message& message) {
    for (Impl::Entry& entry : m_impl->entries) {
        if (entry.message.text == message.text && entry.message.severity == message.severity) {
            ++entry.repeats;
            entry.message = message;
            m_impl->show();
            return;
        }
    }
    auto place = m_impl->entries.begin();
    if (place != m_impl->entries.end() && place->message.severity > message.severity) {
        while (place != m_impl->entries.end() && place->message.severity >= message.severity) {
            ++place;
        }
    }
    m_impl->entries.insert(place, {message, 1});
    if (m_impl->entries.size() > kMaxWaiting) {
        m_impl->entries.pop_back();
    }
    m_impl->show();
}

void MessageBar::dismissAll() {
    if (!m_impl->entries.empty()) {
        m_impl->entries.clear();
        m_impl->show();
        Q_EMIT closed();
    }
}

QString MessageBar::text() const {
    return m_impl->entries.empty() ? QString() : m_impl->entries.front().message.text;
}

int MessageBar::repeats() const {
    return m_impl->entries.empty() ? 0 : m_impl->entries.front().repeats;
}

void MessageBar::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange) {
        m_impl->show();
    }
    QWidget::changeEvent(event);
}

void MessageBar::paintEvent(QPaintEvent* /*event*/) {
    if (m_impl->entries.empty()) {
        return;
    }
    QPainter painter(this);
    QColor tone = toneColour(toneOf(m_impl->entries.front().message.severity), palette());
    painter.fillRect(QRect(0, 0, fontMetrics().height() / 3, height()), tone);
    tone.setAlphaF(0.12F);
    painter.fillRect(rect(), tone);
}

} // namespace knife
