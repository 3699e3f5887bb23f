// Package zygote is the parent's side of a zygote: it starts one, has it fork workers, and learns of their ends.
//
// A zygote is this same program, executed again with a control socket. Before any Go runs in it, it starts PHP once;
// then it forks a worker per Spawn, so that a worker begins with PHP started and shares its memory. The package is
// pure Go and never loads libphp: its process stays one that no extension can crash.
//
// # Waits
//
// PHP and its extensions run in the zygote, so it may hang, stop or die at any time. No call waits for it without a
// limit and a way out:
//
//   - Start ends with its context. PHP's start has no limit of its own: a preload script may take minutes, and php-fpm
//     waits for it.
//   - Spawn, Answer and Detach end with their context, and after AnswerTime. A zygote that has not answered by then is
//     given up: it is killed, Exits is closed, and each later order fails with ErrGone at once.
//   - Constants ends with its context, and its zygote with it.
//   - Close waits for half a second, then kills.
//
// # Ends
//
// A zygote's end is its process's end, or the end of the control socket, whichever is seen first: a process that an
// extension has forked may hold the socket. While PHP starts, the zygote's whole process group ends with it (opcache
// preloads in a child). Afterwards the group is its workers', which outlive it: they end by their own descriptors. Nobody
// can tell how they end then.
//
// A zygote ends by itself if its parent dies, even while PHP hangs in its start.
//
// Signal reaches a worker, never a process that was given the pid of one.
package zygote
