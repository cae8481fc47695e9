-- The last number given of a kind. Parameters: $kind.
select last from face_number where kind = $kind;
