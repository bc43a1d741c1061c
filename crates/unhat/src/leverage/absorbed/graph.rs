//! Levels of factors as a graph, joined where a cell has both: its components, and the cells that alone hold two parts together.

use super::cells::Cells;

/// Which levels are connected.
pub(super) struct Components {
    /// The component of each node: levels of the eliminated factor first, then the columns.
    pub label: Vec<u32>,
    pub count: usize,
}

impl Components {
    /// The graph of the eliminated factor and some of the others; nodes of the rest are left alone, one component each.
    ///
    /// # Cost
    /// Nearly linear in the cells.
    pub fn of(cells: &Cells, others: std::ops::Range<usize>) -> Components {
        let nodes = cells.levels() + cells.width();
        let mut root: Vec<u32> = (0..nodes as u32).collect();
        for w in 0..cells.levels() {
            for cell in cells.starts[w]..cells.starts[w + 1] {
                for &column in &cells.columns_of(cell)[others.clone()] {
                    let (a, b) =
                        (find(&mut root, w as u32), find(&mut root, (cells.levels() + column as usize) as u32));
                    root[a.max(b) as usize] = a.min(b);
                }
            }
        }
        let (mut label, mut count) = (vec![u32::MAX; nodes], 0);
        for node in 0..nodes {
            let top = find(&mut root, node as u32) as usize;
            if label[top] == u32::MAX {
                label[top] = count;
                count += 1;
            }
            label[node] = label[top];
        }
        Components { label, count: count as usize }
    }
}

fn find(root: &mut [u32], mut node: u32) -> u32 {
    while root[node as usize] != node {
        root[node as usize] = root[root[node as usize] as usize];
        node = root[node as usize];
    }
    node
}

/// The bridges among the cells of two factors: cells without which their two levels are not connected.
///
/// A cell e of weight W is an edge of conductance W, and the sum of the scores of its rows is W times the effective
/// resistance between its ends. It is 1 exactly where all current takes this edge: where it is a bridge. Bridges carry no
/// current between other levels, so that leaving them out changes no other score.
///
/// # Cost
/// One depth-first search: linear in the cells.
/// # References
/// Tarjan1974; SpielmanSrivastava2011.
pub(super) fn bridges(cells: &Cells) -> Vec<bool> {
    let (levels, nodes) = (cells.levels(), cells.levels() + cells.width());
    let level_of = cells.levels_of_cells();
    let by_column = CellsOfColumns::of(cells);
    let edges_of = |node: usize| -> Edges<'_> {
        match node.checked_sub(levels) {
            None => Edges::Range(cells.starts[node]..cells.starts[node + 1]),
            Some(column) => Edges::List(by_column.of_column(column).iter()),
        }
    };
    let other_end = |node: usize, cell: usize| match node < levels {
        true => levels + cells.columns[cell] as usize,
        false => level_of[cell] as usize,
    };
    let mut bridge = vec![false; cells.len()];
    let (mut order, mut low) = (vec![0u32; nodes], vec![0u32; nodes]); // order 0: not yet seen
    let mut clock = 0;
    // The way from the root: a node, the cell it was entered by, and the cells still to be looked at.
    let mut way: Vec<(usize, Option<usize>, Edges<'_>)> = Vec::new();
    for root in 0..nodes {
        if order[root] != 0 {
            continue;
        }
        clock += 1;
        (order[root], low[root]) = (clock, clock);
        way.push((root, None, edges_of(root)));
        while let Some((node, entered, edges)) = way.last_mut() {
            let (node, entered) = (*node, *entered);
            match edges.next() {
                Some(cell) if Some(cell) == entered => {}
                Some(cell) => {
                    let next = other_end(node, cell);
                    if order[next] == 0 {
                        clock += 1;
                        (order[next], low[next]) = (clock, clock);
                        way.push((next, Some(cell), edges_of(next)));
                    } else {
                        low[node] = low[node].min(order[next]);
                    }
                }
                None => {
                    way.pop();
                    if let (Some((before, _, _)), Some(cell)) = (way.last(), entered) {
                        let lowest = low[node];
                        bridge[cell] = lowest > order[*before];
                        low[*before] = low[*before].min(lowest);
                    }
                }
            }
        }
    }
    bridge
}

/// The cells at a node.
enum Edges<'a> {
    Range(std::ops::Range<usize>),
    List(std::slice::Iter<'a, u32>),
}

impl Iterator for Edges<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Edges::Range(range) => range.next(),
            Edges::List(list) => list.next().map(|&cell| cell as usize),
        }
    }
}

/// The cells that have each column, rising.
pub(super) struct CellsOfColumns {
    starts: Vec<usize>,
    cells: Vec<u32>,
}

impl CellsOfColumns {
    pub fn of(cells: &Cells) -> CellsOfColumns {
        let mut starts = vec![0usize; cells.width() + 1];
        cells.columns.iter().for_each(|&column| starts[column as usize + 1] += 1);
        (1..starts.len()).for_each(|j| starts[j] += starts[j - 1]);
        let (mut next, mut list) = (starts.clone(), vec![0u32; cells.columns.len()]);
        for cell in 0..cells.len() {
            for &column in cells.columns_of(cell) {
                list[next[column as usize]] = cell as u32;
                next[column as usize] += 1;
            }
        }
        CellsOfColumns { starts, cells: list }
    }

    pub fn of_column(&self, column: usize) -> &[u32] {
        &self.cells[self.starts[column]..self.starts[column + 1]]
    }
}
