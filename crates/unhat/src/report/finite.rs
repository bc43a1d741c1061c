//! Which numbers of an object JSON cannot hold: infinities and NaN, which become null there.

use serde::de::value::Error;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::collections::BTreeMap;

/// A sentence for each field of an object that holds a number which is not finite; empty where all are.
///
/// # Cost
/// One walk over the object.
pub(super) fn not_finite(object: &impl Serialize) -> Vec<String> {
    let mut walk = Walk::default();
    if object.serialize(&mut walk).is_err() {
        return Vec::new(); // what cannot be walked cannot be written: the writer says why
    }
    let sentence = |(field, (count, value)): (String, (usize, f64))| {
        let times = if count == 1 { String::new() } else { format!(", {count} times") };
        format!("{field}: {value}{times}, which JSON cannot hold; it is null")
    };
    walk.found.into_iter().map(sentence).collect()
}

/// A serialiser that writes nothing and remembers where numbers are not finite.
#[derive(Default)]
struct Walk {
    path: Vec<String>,
    found: BTreeMap<String, (usize, f64)>,
}

impl Walk {
    fn meet(&mut self, value: f64) {
        if !value.is_finite() {
            self.found.entry(self.path.join(".")).or_insert((0, value)).0 += 1;
        }
    }

    fn within<T: Serialize + ?Sized>(&mut self, field: &str, value: &T) -> Result<(), Error> {
        self.path.push(field.to_owned());
        value.serialize(&mut *self)?;
        self.path.pop();
        Ok(())
    }
}

/// Values without a number in them.
macro_rules! nothing {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name(self, _: $kind) -> Result<(), Error> { Ok(()) })*
    };
}

impl Serializer for &mut Walk {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    nothing!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8], serialize_unit_struct: &'static str
    );

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.meet(value.into());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.meet(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.within(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }
}

/// Elements have no names: they stand under that of their list.
macro_rules! elements {
    ($($kind:ident, $add:ident);*) => {
        $(impl $kind for &mut Walk {
            type Ok = ();
            type Error = Error;
            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                value.serialize(&mut **self)
            }
            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        })*
    };
}

elements!(
    SerializeSeq, serialize_element; SerializeTuple, serialize_element; SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field
);

macro_rules! fields {
    ($($kind:ident),*) => {
        $(impl $kind for &mut Walk {
            type Ok = ();
            type Error = Error;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.within(name, value)
            }
            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for &mut Walk {
    type Ok = ();
    type Error = Error;

    /// Keys are words here; one that is not stands as the last word.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let word = serde_json::to_value(key).ok();
        self.path.push(word.as_ref().and_then(serde_json::Value::as_str).unwrap_or("*").to_owned());
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)?;
        self.path.pop();
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::not_finite;
    use serde::Serialize;

    #[derive(Serialize)]
    struct Inner {
        bound: Option<f64>,
        list: Vec<f64>,
    }

    #[derive(Serialize)]
    enum Kind {
        Tuple(f64, f32),
        Named { ratio: f64 },
        Word,
    }

    #[derive(Serialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        steps: Vec<Inner>,
        kinds: Vec<Kind>,
        fine: f64,
    }

    #[test]
    fn every_number_that_json_cannot_hold_is_named_once_a_field() {
        let inner = |bound, list: &[f64]| Inner { bound, list: list.to_vec() };
        let outer = Outer {
            inner: inner(Some(f64::INFINITY), &[1.0, 2.0]),
            steps: vec![inner(None, &[0.5, f64::NAN]), inner(Some(f64::NAN), &[f64::NAN]), inner(Some(1.0), &[])],
            kinds: vec![Kind::Tuple(1.0, f32::NEG_INFINITY), Kind::Named { ratio: f64::NAN }, Kind::Word],
            fine: -0.0,
        };
        let expected = [
            "bound: inf, which JSON cannot hold; it is null",
            "kinds: -inf, which JSON cannot hold; it is null",
            "kinds.ratio: NaN, which JSON cannot hold; it is null",
            "steps.bound: NaN, which JSON cannot hold; it is null",
            "steps.list: NaN, 2 times, which JSON cannot hold; it is null",
        ];
        assert_eq!(not_finite(&outer), expected);
        assert!(not_finite(&inner(Some(1.0), &[2.0])).is_empty());
    }
}
