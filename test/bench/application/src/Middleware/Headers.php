<?php
declare(strict_types=1);

namespace App\Middleware;

use App\{Middleware, Request, Response};

final class Headers implements Middleware
{
    public function handle(Request $request, \Closure $next): Response
    {
        return $next($request)->with('X-Content-Type-Options', 'nosniff')->with('Cache-Control', 'private, max-age=0');
    }
}
