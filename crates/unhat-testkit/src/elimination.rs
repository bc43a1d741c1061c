//! Dense systems by Gaussian elimination: slow, and not the code under test.

/// x with Mx = v, by pivots of the largest size in their column.
pub fn solve(mut m: Vec<Vec<f64>>, mut v: Vec<f64>) -> Vec<f64> {
    let n = v.len();
    for k in 0..n {
        let pivot = (k..n).fold(k, |best, i| if m[i][k].abs() >= m[best][k].abs() { i } else { best });
        m.swap(k, pivot);
        v.swap(k, pivot);
        for i in k + 1..n {
            let f = m[i][k] / m[k][k];
            (k..n).for_each(|j| m[i][j] -= f * m[k][j]);
            v[i] -= f * v[k];
        }
    }
    for k in (0..n).rev() {
        v[k] = (v[k] - (k + 1..n).map(|j| m[k][j] * v[j]).sum::<f64>()) / m[k][k];
    }
    v
}
