-- Why:   services are found by the words of their ids and labels, people by those of their names and addresses, over all
--        companies, and by the beginning of the last word.
-- Order: before the first start of the code; older processes do not use the indexes.
-- Locks: service and app_user against writes while the indexes are built, half a minute for a million rows. Gives up after
--        5 s of waiting for a lock.

set local lock_timeout = '5s';
lock table service, app_user in share mode;

-- The words of a text without differences of case, width and accents. Everything in ASCII that is no letter or digit
-- separates them, whatever the locale of the server.
create function name_words(text) returns text[] language sql immutable strict parallel safe
return array_remove(
    regexp_split_to_array(lower(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]+', '', 'g')), '[\x01-/:-@\[-`{-\x7f]+'),
    '');

-- What matches every word of a text; with true, its last one is the beginning of a word if it has two characters.
create function name_query(text, boolean) returns tsquery language sql immutable strict parallel safe
return (select string_agg(
            quote_literal(word) || case when $2 and at = cardinality(name_words($1)) and length(word) > 1
                                        then ':*' else '' end, ' & ')::tsquery
          from unnest(name_words($1)) with ordinality words (word, at));

create index service_by_words on service using gin (array_to_tsvector(name_words(id || ' ' || label)))
    with (fastupdate = off);
create index app_user_by_words on app_user using gin (array_to_tsvector(name_words(name || ' ' || email)))
    with (fastupdate = off);
