"""The stage: a layer's three arrays and what meets in them, as primitives that pages, pictures and
films draw. The twin of the pages' JavaScript (`show/page/js`): the tests compare the two."""
