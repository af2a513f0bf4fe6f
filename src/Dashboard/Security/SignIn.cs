using System.Security.Claims;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http.HttpResults;
using Relay.AdminApi;
using Relay.Dashboard.Components;
using Relay.Dashboard.Live;

namespace Relay.Dashboard.Security;

/// <summary>How an operator comes in: by the address that was printed, or, of a team, by his token. Both give a cookie that names his session.</summary>
internal static class SignIn
{
    public const string SessionClaim = "session";
    public const string LoginLimit = "login";

    private const string LoginPath = "/login";
    private const string OpenPath = "/open";
    private const int MaxToken = 256;

    /// <summary>The address that lets one browser in.</summary>
    public static string OneTimeAddress(string address, OneTimeToken token) => $"{address}{OpenPath}?token={token.Text}";

    public static void Configure(CookieAuthenticationOptions cookie, DashboardSettings settings)
    {
        // Cookies know no ports: another dashboard on this machine must not take the place of this one's.
        cookie.Cookie.Name = settings.IsForTeam ? "__Host-relay-dashboard" : $"relay-dashboard-{Guid.NewGuid():N}";
        cookie.Cookie.HttpOnly = true;
        cookie.Cookie.SameSite = SameSiteMode.Strict;
        cookie.Cookie.SecurePolicy = settings.IsForTeam ? CookieSecurePolicy.Always : CookieSecurePolicy.None;
        cookie.ExpireTimeSpan = SessionStore.Lifetime;
        cookie.SlidingExpiration = !settings.IsForTeam;
        cookie.Events.OnValidatePrincipal = context =>
        {
            var sessions = context.HttpContext.RequestServices.GetRequiredService<SessionStore>();
            if (sessions.Find(context.Principal?.FindFirstValue(SessionClaim)) is null)
            {
                context.RejectPrincipal();
            }

            return Task.CompletedTask;
        };
        cookie.Events.OnRedirectToLogin = context =>
        {
            var isPage = settings.IsForTeam && HttpMethods.IsGet(context.Request.Method) && !context.Request.Path.StartsWithSegments("/_blazor");
            if (isPage)
            {
                context.Response.Redirect(LoginPath);
                return Task.CompletedTask;
            }

            return RefuseAsync(context.HttpContext, "Open the address that `relayctl dashboard` has printed. It works once; start the dashboard again for a new one.");
        };
    }

    public static void MapSignIn(this WebApplication app, DashboardSettings settings)
    {
        if (settings.IsForTeam)
        {
            app.MapGet(LoginPath, () => Page(settings, problem: null)).AllowAnonymous();
            // RequestGuard has made sure that the form is our own.
            app.MapPost(LoginPath, LogInAsync).AllowAnonymous().RequireRateLimiting(LoginLimit).DisableAntiforgery();
            app.MapPost("/logout", LogOutAsync).DisableAntiforgery();
        }
        else
        {
            app.MapGet(OpenPath, OpenAsync).AllowAnonymous();
        }
    }

    private static async Task OpenAsync(HttpContext context, string? token, OneTimeToken expected, SessionStore sessions)
    {
        context.Response.Headers.CacheControl = "no-store";
        // The browser that was let in may come this way again: a reload, the back button.
        var isIn = context.User.HasClaim(claim => claim.Type == SessionClaim);
        if (!isIn && !expected.TryUse(token))
        {
            await RefuseAsync(context, "This address is wrong, or was used already: it works once. Start `relayctl dashboard` again for a new one.");
            return;
        }

        if (!isIn)
        {
            await SignInAsync(context, sessions.CreateOwn());
        }

        context.Response.Redirect("/");
    }

    private static async Task<IResult> LogInAsync(HttpContext context, DashboardSettings settings, SessionStore sessions)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var token = form["token"].ToString().Trim();
        var relay = settings.Relays.FirstOrDefault(relay => relay.Name == form["relay"]) ?? settings.Relays[0];
        if (token.Length is 0 or > MaxToken || !token.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
        {
            return Page(settings, "That is not a token as printed by `relayctl token create`.", StatusCodes.Status401Unauthorized);
        }

        var link = RelayLink.Open(relay, settings, token);
        try
        {
            await link.CallAsync((connection, options) => connection.Admin.GetCallerAsync(new GetCallerRequest(), options), context.RequestAborted);
        }
        catch (RelayProblem problem)
        {
            link.Dispose();
            var isRefused = problem.Code is StatusCode.Unauthenticated or StatusCode.PermissionDenied;
            return Page(settings, problem.Message, isRefused ? StatusCodes.Status401Unauthorized : StatusCodes.Status502BadGateway);
        }

        await SignInAsync(context, sessions.Create(link));
        return Results.Redirect("/");
    }

    private static async Task<IResult> LogOutAsync(HttpContext context, SessionStore sessions)
    {
        sessions.Remove(context.User.FindFirstValue(SessionClaim));
        await context.SignOutAsync();
        return Results.Redirect(LoginPath);
    }

    private static Task SignInAsync(HttpContext context, DashboardSession session) => context.SignInAsync(
        new ClaimsPrincipal(new ClaimsIdentity([new Claim(SessionClaim, session.Id)], CookieAuthenticationDefaults.AuthenticationScheme)));

    private static RazorComponentResult<LoginPage> Page(DashboardSettings settings, string? problem, int status = StatusCodes.Status200OK) =>
        new(new Dictionary<string, object?> { [nameof(LoginPage.Relays)] = settings.Relays.Select(relay => relay.Name).ToArray(), [nameof(LoginPage.Problem)] = problem }) { StatusCode = status };

    private static Task RefuseAsync(HttpContext context, string text)
    {
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n", context.RequestAborted);
    }
}
