<?php
declare(strict_types=1);

namespace App\Middleware;

use App\{Middleware, Request, Response};

final class Visitor implements Middleware
{
    public function handle(Request $request, \Closure $next): Response
    {
        $request->attributes['visitor'] = hash('xxh64', $request->cookies['visitor'] ?? $request->server['REMOTE_ADDR'] ?? '');
        return $next($request);
    }
}
