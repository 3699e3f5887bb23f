/*
 * PHP's stack. Another thread can read it at any time: it is told where the stack is and how its frames are laid out (stack.go,
 * engine_sample.c). While PHP calls one function after the other that is too slow, and then the main thread writes the stack down. Until it answers, it
 * does not enter another function of PHP code, and so the other thread can tell whether its copy is true.
 */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "web.h"

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
		.func_scope = offsetof(zend_function, common.scope),
		.func_file = offsetof(zend_op_array, filename),
		.class_name = offsetof(zend_class_entry, name),
		.opline_line = offsetof(zend_op, lineno),
		.string_text = offsetof(zend_string, val),
		.string_len = offsetof(zend_string, len),
		.string_hash = offsetof(zend_string, h),
		.call_kind_mask = ZEND_CALL_CODE | ZEND_CALL_TOP,
		.call_top_code = ZEND_CALL_TOP_CODE,
	};
}

/* ---- the stack as the main thread writes it down ---- */

static struct engine_sample *wanted; /* NULL: nobody wants it, or the main thread is at it */
static enum { FREE, IN_USE, TAKEN } state;

/* Copies a name; 0: there is no room for it. */
static int copy_name(struct engine_name *to, const zend_string *text, struct engine_sample *s, size_t *used)
{
	size_t len = text ? ZSTR_LEN(text) : 0;

	if (!len) {
		return 1;
	}
	if (len > sizeof(s->texts) - *used) {
		return 0;
	}
	memcpy(s->texts + *used, ZSTR_VAL(text), len);
	*to = (struct engine_name){(uintptr_t)s->texts + *used, ZSTR_H(text), len};
	*used += len;
	return 1;
}

static void write_down(struct engine_sample *s)
{
	const zend_execute_data *at;
	size_t used = 0;

	s->accepted = web_request ? web_request->accepted : 0;
	s->depth = s->cut = 0;
	for (at = EG(current_execute_data); at; at = at->prev_execute_data) {
		const zend_function *function = at->func;
		const zend_string *name, *class = NULL, *file = NULL;
		struct engine_frame *frame;

		if (!function) {
			continue;
		}
		name = function->common.function_name;
		if (name && function->common.scope) {
			class = function->common.scope->name;
		}
		if (ZEND_USER_CODE(function->type)) {
			file = function->op_array.filename;
		}
		frame = &s->frames[s->depth];
		s->cut = s->depth == ENGINE_MOST_FRAMES;
		if (s->cut) {
			return;
		}
		memset(frame, 0, sizeof(*frame));
		s->cut = !copy_name(&frame->function, name, s, &used) || !copy_name(&frame->class, class, s, &used) || !copy_name(&frame->file, file, s, &used);
		if (s->cut) {
			return;
		}
		if (file && at->opline) {
			frame->line = at->opline->lineno;
		}
		s->depth++;
	}
}

void web_write_stack_down(void)
{
	struct engine_sample *room = __atomic_exchange_n(&wanted, NULL, __ATOMIC_SEQ_CST);

	if (room) {
		write_down(room);
		__atomic_store_n(&state, TAKEN, __ATOMIC_SEQ_CST);
	}
}

void engine_stack_ask(struct engine_sample *room)
{
	__atomic_store_n(&state, IN_USE, __ATOMIC_SEQ_CST);
	__atomic_store_n(&wanted, room, __ATOMIC_SEQ_CST);
	zend_atomic_bool_store_ex(&EG(vm_interrupt), true);
}

int engine_stack_taken(void)
{
	switch (__atomic_load_n(&state, __ATOMIC_SEQ_CST)) {
		case FREE: return 0;
		case TAKEN: return 1;
		case IN_USE: break;
	}
	return __atomic_load_n(&wanted, __ATOMIC_SEQ_CST) ? 0 : 2;
}

int engine_stack_unask(void)
{
	static const struct timespec moment = {0, 20000};
	int taken;

	if (!__atomic_exchange_n(&wanted, NULL, __ATOMIC_SEQ_CST)) {
		while (__atomic_load_n(&state, __ATOMIC_SEQ_CST) == IN_USE) { /* the main thread is at it, which takes microseconds, unless others have its processor */
			nanosleep(&moment, NULL);
		}
	}
	taken = __atomic_load_n(&state, __ATOMIC_SEQ_CST) == TAKEN;
	__atomic_store_n(&state, FREE, __ATOMIC_SEQ_CST);
	return taken;
}
