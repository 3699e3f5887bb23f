<?php
declare(strict_types=1);

namespace App\Middleware;

use App\{Middleware, Request, Response};

final class Locale implements Middleware
{
    /** @param list<string> $languages */
    public function __construct(private array $languages) {}

    public function handle(Request $request, \Closure $next): Response
    {
        foreach (explode(',', $request->server['HTTP_ACCEPT_LANGUAGE'] ?? '') as $wish) {
            $language = strtolower(substr(trim($wish), 0, 2));
            if (in_array($language, $this->languages, true)) {
                $request->attributes['language'] = $language;
                break;
            }
        }
        return $next($request)->with('Content-Language', $request->attributes['language'] ??= $this->languages[0]);
    }
}
