/*
 * PHP's constants, for a process that reads ini files without PHP. Counterpart: zend_ini_get_constant in
 * Zend/zend_ini_parser.y, which makes a string of any value.
 */
#include <stdio.h>

#include "php_module.h"

static int write_text(FILE *out, const zend_string *text)
{
	uint32_t len = ZSTR_LEN(text);

	return fwrite(&len, sizeof(len), 1, out) == 1 && fwrite(ZSTR_VAL(text), 1, len, out) == len;
}

int engine_write_constants(int fd)
{
	FILE *out = fdopen(fd, "w");
	int well = out != NULL;
	zend_string *name;
	zend_constant *constant;

	if (!out) {
		return -1;
	}
	ZEND_HASH_FOREACH_STR_KEY_PTR(EG(zend_constants), name, constant) {
		if (name && Z_TYPE(constant->value) <= IS_ARRAY) {
			zend_string *text = zval_get_string_func(&constant->value);
			well = well && write_text(out, name) && write_text(out, text);
			/* The process ends soon: the strings are left to it. */
		}
	} ZEND_HASH_FOREACH_END();
	return fclose(out) == 0 && well ? 0 : -1;
}
