// SPDX-License-Identifier: GPL-3.0-or-later
// One slice of a joint-action table: a model with roles for the marks, and the view that paints it.
#pragma once

#include <vector>

#include <QAbstractTableModel>
#include <QTableView>

#include "widgets/plot/colour_map.h"

namespace knife {

/// A two-dimensional slice, ready to show. Row-major.
struct MatrixSlice {
    int rows = 0;
    int columns = 0;
    std::vector<float> values;          ///< rows x columns; empty: nothing learned yet
    std::vector<int> outlined;          ///< flat positions in the slice
    int last = -1;                      ///< position of the last joint action in the slice, or -1
    std::vector<float> rowUtilities;    ///< per row, or empty
    std::vector<float> columnUtilities; ///< per column, or empty
    bool operator==(const MatrixSlice&) const = default;
};

class MatrixSliceModel final : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Role : int { ValueRole = Qt::UserRole + 1, OutlinedRole, LastRole };
    using QAbstractTableModel::QAbstractTableModel;

    /// Resets only when the shape changes.
    void setSlice(const MatrixSlice& slice, const QString& outlineName);
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    MatrixSlice m_slice;
    QString m_outlineName; ///< "optimum", "greedy"
};

class MatrixTable final : public QTableView {
    Q_OBJECT

  public:
    explicit MatrixTable(QWidget* parent = nullptr);

    void setSlice(const MatrixSlice& slice, const QString& outlineName);
    /// Height of the column titles, so that tables side by side have their rows at one height.
    void setHeaderLines(int lines);
    void setScale(const ColourScale& scale);
    [[nodiscard]] const ColourScale& scale() const { return m_scale; }
    [[nodiscard]] MatrixSliceModel* slice() const { return m_model; }
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

  protected:
    void resizeEvent(QResizeEvent* event) override;

  private:
    void fitCells();

    MatrixSliceModel* m_model;
    ColourScale m_scale;
};

} // namespace knife
