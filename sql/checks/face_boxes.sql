-- Boxes that leave their picture.
select face_id from face where not (x >= 0 and y >= 0 and width > 0 and height > 0 and x + width <= 1.0001 and y + height <= 1.0001);
