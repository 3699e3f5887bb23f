// Package zygote is the parent's side of a zygote: it starts one, has it fork workers, and learns of their ends.
//
// A zygote is this same program, executed again with a control socket. Before any Go runs in it, it starts PHP once;
// then it forks a worker for each Spawn or Fork, and a child that answers one CGI request for each ForkCGI. A child begins with
// PHP started, and shares that memory with the zygote. With a Template the zygote boots an application, too, and workers begin
// within it. The package is pure Go and never loads libphp, so that no extension can crash the process that uses it: the master of
// php-fpm, the parents of php-cgi's children and of the development server's workers, and the resident of package cgi/handover.
//
// # Waits
//
// PHP and its extensions run in the zygote, so it may hang, stop or die at any time. No call waits for it without a
// limit and a way out:
//
//   - Start ends with its context. PHP's start has no limit of its own: a script that opcache compiles beforehand
//     (opcache.preload) may take minutes, and php-fpm waits for it.
//   - Spawn, Fork, ForkCGI and Detach end with their context, and after AnswerTime; on a machine that has no processor left for the
//     zygote, after SlowTime. A zygote that has not answered by then is given up: it is killed, it is gone (Done), and each later
//     order fails with ErrGone at once.
//   - Constants ends with its context, and its zygote with it.
//   - Child.Wait ends with its context.
//   - Close waits for half a second, then kills.
//
// # Children
//
// Spawn, Fork and ForkCGI return a Child. Done is closed when the child has ended, and Status then tells how; both come
// from the zygote, which is the child's parent. If the zygote is gone first, Done is closed all the same, and nobody can
// tell how the child will end. The caller may wait for Done on a goroutine for each child. It needs no table of pids: a Child is
// about one process alone, even if that ends before Spawn returns.
//
// Signal reaches the child, never a process that was given its pid. Ended asks the kernel, if the zygote is too slow to tell.
//
// # Ends
//
// A zygote's end is its process's end, or the end of the control socket, whichever is seen first: a process that an
// extension has forked may hold the socket. While PHP starts, the zygote's whole process group ends with it (opcache
// preloads in a child). Afterwards the group is its workers', which outlive it: they end by their own descriptors.
//
// A zygote ends by itself if its parent dies, even while PHP hangs in its start.
package zygote
