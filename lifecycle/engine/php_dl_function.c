/* dl(): libphp has it, but leaves it to the SAPI to offer it. */
#include "php_dl_function.h"

PHP_FUNCTION(dl_of_engine)
{
	zif_dl(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}
