using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MudBlazor.Services;
using Relay.AdminCli;
using Relay.Dashboard.Components;
using Relay.Dashboard.Live;
using Relay.Dashboard.Security;

namespace Relay.Dashboard;

/// <summary>The web server: who may come in, and what is bounded.</summary>
internal static class DashboardHost
{
    private const int MaxConnections = 256;
    private const int MaxLoginBytes = 16 * 1024;
    private const int LoginsPerMinute = 5;
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(3);

    public static async Task<int> RunAsync(DashboardSettings settings, CancellationToken cancel)
    {
        WebApplication app;
        try
        {
            app = Build(settings);
        }
        catch (InvalidDataException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return ExitCodes.Usage;
        }

        await using (app)
        {
            try
            {
                await app.StartAsync(cancel);
            }
            catch (IOException e)
            {
                await Console.Error.WriteLineAsync($"Cannot listen on {settings.Listen}: {Printable.Clean(e.Message)}");
                return ExitCodes.Rejected;
            }

            await StartPage.AnnounceAsync(app, settings);
            await app.WaitForShutdownAsync(cancel);
            return ExitCodes.Ok;
        }
    }

    private static WebApplication Build(DashboardSettings settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(DashboardHost).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        builder.WebHost.UseStaticWebAssets();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        // That keys end with the process is meant, and no warning.
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error)
            .AddSimpleConsole().Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        Listen(builder, settings);
        AddServices(builder.Services, settings);
        var app = builder.Build();
        app.UseHostFiltering();
        app.UseMiddleware<RequestGuard>();
        app.UseRateLimiter();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.MapStaticAssets().AllowAnonymous();
        app.MapSignIn(settings);
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null);
        return app;
    }

    private static void Listen(WebApplicationBuilder builder, DashboardSettings settings) => builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = CircuitLimit.Max;
        kestrel.Limits.MaxRequestBodySize = MaxLoginBytes * 4;
        kestrel.Listen(settings.Listen, endpoint =>
        {
            if (settings.Certificate is { } files)
            {
                var certificate = new ServerCertificate(files, settings.Context.Clock);
                endpoint.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificateSelector = (_, _) => certificate.Current });
            }
        });
    });

    private static void AddServices(IServiceCollection services, DashboardSettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton(settings.Context.Clock);
        services.AddSingleton<OneTimeToken>();
        services.AddSingleton<SessionStore>();
        services.AddSingleton<CircuitLimit>();
        services.AddScoped<CircuitHandler>(provider => provider.GetRequiredService<CircuitLimit>().ForOneCircuit());
        services.AddScoped<RelayAccess>();
        services.AddScoped<LiveStats>();
        services.AddScoped<Actions>();
        services.AddMudServices();
        services.AddRazorComponents().AddInteractiveServerComponents(options =>
        {
            options.DisconnectedCircuitMaxRetained = 16;
            options.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(2);
        });
        // What protects cookies and forms ends with the process, as the sessions do; nothing is written to the operator's home.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddHostFiltering(options => options.AllowedHosts = settings.IsForTeam ? ["*"] : ["127.0.0.1", "localhost", "[::1]"]);
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie => SignIn.Configure(cookie, settings));
        services.AddCascadingAuthenticationState();
        services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireClaim(SignIn.SessionClaim).Build());
        services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            // A relay counts failures by address, and here all of them would come from this one: nobody may use them up for the others.
            limiter.AddPolicy(SignIn.LoginLimit, context => RateLimitPartition.GetFixedWindowLimiter(
                Network(context.Connection.RemoteIpAddress), _ => new FixedWindowRateLimiterOptions { PermitLimit = LoginsPerMinute, Window = TimeSpan.FromMinutes(1) }));
        });
    }

    // An IPv6 client has a whole /64 to come from.
    private static string Network(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };
}
