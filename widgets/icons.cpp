// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/icons.h"

#include <QGuiApplication>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QSvgRenderer>

// Outside the namespace, as Qt demands of this macro.
static void initialiseResources() {
    Q_INIT_RESOURCE(knife);
}

namespace knife {

namespace {

QString pathOf(const QString& name) {
    return QStringLiteral(":/knife/icons/%1.svg").arg(name);
}

QColor colourFor(QIcon::Mode mode) {
    const QPalette palette = QGuiApplication::palette();
    switch (mode) {
    case QIcon::Disabled:
        return palette.color(QPalette::Disabled, QPalette::ButtonText);
    case QIcon::Selected:
        return palette.color(QPalette::Active, QPalette::HighlightedText);
    case QIcon::Normal:
    case QIcon::Active:
        break;
    }
    return palette.color(QPalette::Active, QPalette::ButtonText);
}

/// Renders an SVG as a stencil in the colour of the moment; keeps nothing, so a new theme needs no notice.
class StencilEngine final : public QIconEngine {
  public:
    explicit StencilEngine(QString path) : m_path(std::move(path)) {}

    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State /*state*/) override {
        QPixmap result(size);
        result.fill(Qt::transparent);
        QPainter painter(&result);
        QSvgRenderer renderer(m_path);
        renderer.setAspectRatioMode(Qt::KeepAspectRatio);
        renderer.render(&painter, QRectF(QPointF(), size));
        painter.setCompositionMode(QPainter::CompositionMode_SourceIn);
        painter.fillRect(result.rect(), colourFor(mode));
        return result;
    }

    QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State state, qreal /*scale*/) override {
        return pixmap(size, mode, state);
    }

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State state) override {
        const qreal ratio = painter->device() != nullptr ? painter->device()->devicePixelRatio() : 1.0;
        QPixmap drawn = pixmap((QSizeF(rect.size()) * ratio).toSize(), mode, state);
        drawn.setDevicePixelRatio(ratio);
        painter->drawPixmap(rect.topLeft(), drawn);
    }

    [[nodiscard]] QIconEngine* clone() const override { return new StencilEngine(m_path); }
    bool isNull() override { return false; }

  private:
    QString m_path;
};

} // namespace

QIcon icon(const QString& name) {
    initialiseResources();
    return iconNames().contains(name) ? QIcon(new StencilEngine(pathOf(name))) : QIcon();
}

QStringList iconNames() {
    return {"new",     "open",  "start", "pause",    "step", "run-to", "stop",       "evaluate",
            "operate", "undo",  "fork",  "resume",   "save", "search", "reset-zoom", "copy",
            "export",  "clear", "close", "settings", "lock", "unlock", "neuron"};
}

QIcon applicationIcon() {
    initialiseResources();
    return QIcon(pathOf(QStringLiteral("knife-workbench")));
}

} // namespace knife
