namespace Relay.Dashboard.Security;

/// <summary>
/// What every answer says about itself, and which requests are answered at all: a page of another origin, one on another port of this
/// machine included, must be able to do nothing with the operator's cookie.
/// </summary>
internal sealed class RequestGuard(RequestDelegate next)
{
    // Styles also in attributes and elements: MudBlazor writes its theme and its charts so. Scripts come from files of this program alone.
    private const string ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // Not "no-referrer": a browser would hide the origin of our own forms as well.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        if (IsOurs(context.Request))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsync("This request comes from another origin.\n", context.RequestAborted);
    }

    private static bool IsOurs(HttpRequest request)
    {
        // A link from elsewhere to a page may be followed: it is only read, and by the operator.
        var isNavigation = HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";
        var isSameSite = request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin" or "none" || isNavigation;
        var origin = request.Headers.Origin.ToString();
        return isSameSite && (origin.Length == 0 || string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase));
    }
}
