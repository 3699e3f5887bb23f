/* Where PHP's stack is and how its frames are laid out, for a reader on another thread (stack.go). */
#include <stddef.h>

#include "php.h"

void engine_stack_layout(struct engine_stack_layout *layout)
{
	*layout = (struct engine_stack_layout){
		.script = (uintptr_t)&SG(request_info).path_translated,
		.current = (uintptr_t)&EG(current_execute_data),
		.frame_func = offsetof(zend_execute_data, func),
		.frame_prev = offsetof(zend_execute_data, prev_execute_data),
		.frame_opline = offsetof(zend_execute_data, opline),
		.frame_call_info = offsetof(zend_execute_data, This.u1.type_info),
		.func_type = offsetof(zend_function, type),
		.func_name = offsetof(zend_function, common.function_name),
		.func_file = offsetof(zend_op_array, filename),
		.opline_line = offsetof(zend_op, lineno),
		.string_text = offsetof(zend_string, val),
		.string_len = offsetof(zend_string, len),
		.call_kind_mask = ZEND_CALL_CODE | ZEND_CALL_TOP,
		.call_top_code = ZEND_CALL_TOP_CODE,
	};
}
