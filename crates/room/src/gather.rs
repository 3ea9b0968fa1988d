use std::collections::BTreeMap;

/// A map of pairs, put in one after the other.
///
/// `collect` sorts them first, and so brings a sorting algorithm of its own for each pair of types: 2 % of the browser's WebAssembly.
pub fn gather<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        map.insert(key, value);
    }
    map
}
