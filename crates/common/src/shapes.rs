//! Schemas of values that are more than their JSON type says: the rules that each of them is read by.

use crate::country::Country;
use crate::ids::Id;
use crate::models::address::{StreetLine, StreetLines};
use crate::models::category::CategoryPath;
use crate::models::fulfillment::TrackingUrl;
use crate::models::location::LocationId;
use crate::models::order::Quantity;
use crate::models::product::{MAX_UNITS, NewProduct, ProductPatch, Units};
use crate::models::product_details::{AttributeValue, Distinct, FieldName, ImageUrl, Named};
use crate::models::reservation::{MAX_TTL_S, TimeToLive};
use crate::models::{order_label, product_details};
use crate::money::{Amount, Currency};
use crate::text::{Email, Password, Phone, Sku, Text};
use crate::time::Timestamp;
use std::borrow::Cow;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Any character but the control characters, as a class of a regular expression.
const PRINTED: &str = r"[^\u0000-\u001F\u007F-\u009F]";
/// The same with line breaks and tabs.
const PRINTED_LINES: &str = r"[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]";
/// One of them that is no white space.
const INK: &str = r"[^\s\u0000-\u001F\u007F-\u009F]";

/// Members of the API that cannot change by a patch.
const FIXED: [&str; 5] = ["sku", "currency", "inventory", "parentId", "options"];

macro_rules! value_schema {
    ($type:ty, $name:literal, $schema:expr) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $schema.into()
            }
        }
        impl utoipa::ToSchema for $type {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    };
}
pub(crate) use value_schema;

pub(crate) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(crate) fn pattern(pattern: &str) -> ObjectBuilder {
    text().pattern(Some(pattern))
}

pub(crate) fn whole(least: u32, most: u32) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most))
}

fn format(name: &str) -> ObjectBuilder {
    text().format(Some(SchemaFormat::Custom(name.to_owned())))
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

value_schema!(Timestamp, "Timestamp", format("date-time"));
value_schema!(Email, "Email", format("email").max_length(Some(254)));
value_schema!(Password, "Password", format("password").min_length(Some(8)).max_length(Some(128)));
value_schema!(Phone, "Phone", pattern(r"^\+[1-9][0-9]{7,14}$"));
value_schema!(Sku, "Sku", pattern("^[!-~]{1,64}$"));
value_schema!(LocationId, "LocationId", pattern("^[a-z0-9][a-z0-9-]{0,31}$"));
value_schema!(
    CategoryPath,
    "CategoryPath",
    pattern("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(/[a-z0-9]([a-z0-9-]*[a-z0-9])?){0,7}$").max_length(Some(200))
);
value_schema!(
    TrackingUrl,
    "TrackingUrl",
    pattern(r"^https?://[A-Za-z0-9][!#-;=?-\[\]-~]*$").max_length(Some(500))
);
value_schema!(
    ImageUrl,
    "ImageUrl",
    pattern(r"^https?://[A-Za-z0-9][A-Za-z0-9.:-]*([/?#][!#-&(-;=?-\[\]_a-z~]*)?$").max_length(Some(2000))
);
value_schema!(Quantity, "Quantity", whole(1, Quantity::MAX));
value_schema!(Units, "Units", whole(0, MAX_UNITS));
value_schema!(TimeToLive, "TimeToLive", whole(1, MAX_TTL_S));
value_schema!(
    Amount,
    "Amount",
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0))
        .maximum(Some(9_999_999_999_999.99))
        .description(Some("Major units of the currency beside it, with no more decimals than it has."))
);
value_schema!(
    Country,
    "Country",
    text().enum_values(Some(codes(2).filter(|code| code.parse::<Country>().is_ok())))
);
value_schema!(
    Currency,
    "Currency",
    text().enum_values(Some(codes(3).filter(|code| code.parse::<Currency>().is_ok())))
);
value_schema!(
    product_details::Metadata,
    "ProductMetadata",
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .description(Some("Whatever its owner wants to keep with it; at most 16 KiB."))
);
value_schema!(
    order_label::Metadata,
    "OrderMetadata",
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(pattern("^[A-Za-z0-9_-]{1,40}$")))
        .additional_properties(Some(Schema::from(pattern(r"^[^\u0000]*$").max_length(Some(500)))))
        .max_properties(Some(50))
        .description(Some("Texts by names; at most 8 KiB together."))
);
value_schema!(
    AttributeValue,
    "AttributeValue",
    AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Boolean))
        .item(ObjectBuilder::new().schema_type(Type::Number))
        .item(<Text<1, 500>>::schema())
);

/// Every combination of so many capital letters.
fn codes(letters: u32) -> impl Iterator<Item = String> {
    (0..26_u32.pow(letters)).map(move |number| {
        let letter =
            |place: u32| char::from_digit(number / 26_u32.pow(place) % 26 + 10, 36).unwrap_or_default();
        (0..letters).rev().map(|place| letter(place).to_ascii_uppercase()).collect()
    })
}

impl<Kind> PartialSchema for Id<Kind> {
    fn schema() -> RefOr<Schema> {
        format("uuid").into()
    }
}

impl<Kind> ToSchema for Id<Kind> {
    fn name() -> Cow<'static, str> {
        "Id".into()
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> PartialSchema for Text<MIN, MAX, LINES> {
    fn schema() -> RefOr<Schema> {
        let any = if LINES { PRINTED_LINES } else { PRINTED };
        let ink = if MIN == 0 { String::new() } else { format!("{INK}{any}*") };
        let least = (MIN > 0).then_some(MIN);
        pattern(&format!("^{any}*{ink}$")).min_length(least).max_length(Some(MAX)).into()
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> ToSchema for Text<MIN, MAX, LINES> {
    fn name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}{}", if LINES { "Lines" } else { "" }).into()
    }
}

impl PartialSchema for StreetLines {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(reference::<StreetLine>()).min_items(Some(1)).max_items(Some(4)).into()
    }
}

impl ToSchema for StreetLines {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((StreetLine::name().into_owned(), StreetLine::schema()));
    }
}

impl<T: ToSchema, const MAX: usize> PartialSchema for Distinct<T, MAX> {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(reference::<T>()).max_items(Some(MAX)).into()
    }
}

impl<T: ToSchema, const MAX: usize> ToSchema for Distinct<T, MAX> {
    fn name() -> Cow<'static, str> {
        format!("UpTo{MAX}{}", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<V: ToSchema, const MAX: usize> PartialSchema for Named<V, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property_names(Some(FieldName::schema()))
            .additional_properties(Some(reference::<V>()))
            .max_properties(Some(MAX))
            .into()
    }
}

impl<V: ToSchema, const MAX: usize> ToSchema for Named<V, MAX> {
    fn name() -> Cow<'static, str> {
        format!("UpTo{MAX}Named{}", V::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((V::name().into_owned(), V::schema()));
        V::schemas(schemas);
    }
}

/// What a product is created with, less what stays; nothing of it is needed.
impl PartialSchema for ProductPatch {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut product)) = NewProduct::schema() else { return NewProduct::schema() };
        product.required.clear();
        product.properties.retain(|name, _| !FIXED.contains(&name.as_str()));
        product.description =
            Some("What changes; `null` takes away what may be missing (RFC 7396).".to_owned());
        RefOr::T(Schema::Object(product))
    }
}

impl ToSchema for ProductPatch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        NewProduct::schemas(schemas);
    }
}
