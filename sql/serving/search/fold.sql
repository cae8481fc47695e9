-- How words are made comparable: without case and accents, and with letters that have no accent to lose spelled out.
create macro search_fold(given) as
    replace(replace(replace(
        translate(strip_accents(lower(nfc_normalize(given))), 'øłđðħıς', 'olddhiσ'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
