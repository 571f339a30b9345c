//! How large the elements of collections are.
//!
//! Serde shows a collection's elements by reference, and their type only by its name: whether a
//! zero is a byte, or a variant of an enum of 200 bytes, is not to be seen. Reading a collection
//! back tells the type itself, and so its size, which is remembered under that name.

use std::any::type_name;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The size of each type that was read as an element. Of two types with one name, the larger.
static SIZES: RwLock<Option<HashMap<&'static str, usize>>> = RwLock::new(None);

/// The size of an element, if it is known.
#[inline]
pub(super) fn of_element<T: ?Sized>(element: &T) -> Option<usize> {
    let name = type_name::<T>();
    let Some(name) = name.strip_prefix('&') else { return Some(size_of_val(element)) };
    let sizes = SIZES.read().unwrap_or_else(PoisonError::into_inner);
    sizes.as_ref()?.get(name.trim_start_matches('&')).copied()
}

/// Remembers the size of a type that was read as an element.
pub(super) fn learn<T>() {
    let (name, size) = (type_name::<T>(), size_of::<T>());
    {
        let sizes = SIZES.read().unwrap_or_else(PoisonError::into_inner);
        let known = sizes.as_ref().and_then(|sizes| sizes.get(name));
        if known.is_some_and(|known| *known >= size) {
            return;
        }
    }
    let mut sizes = SIZES.write().unwrap_or_else(PoisonError::into_inner);
    let known = sizes.get_or_insert_default().entry(name).or_default();
    *known = size.max(*known);
}
