using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Relay.Scheduling;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Kestrel;

namespace Relay.Http;

internal static class HttpSetup
{
    public static IServiceCollection AddHttp(this IServiceCollection services, HttpOptions options) => services
        .AddSingleton(options)
        .AddSingleton<StatusListener>()
        .Configure<KestrelServerOptions>(kestrel =>
        {
            if (options.ListenEndPoint is { } endpoint)
            {
                kestrel.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    var status = listen.ApplicationServices.GetRequiredService<StatusListener>();
                    listen.Use(next => connection => status.RunAsync(connection, next));
                });
            }
        })
        .AddSingleton<StatusPages>()
        .AddSingleton<AdminFeedStatistics>()
        .AddSingleton<IStatistics>(provider => provider.GetRequiredService<AdminFeedStatistics>())
        .AddSingleton<AdminFeedMessages>()
        .AddSingleton<AdminFeed>()
        .AddPeriodic<AdminFeed>(AdminFeed.Interval, feed => feed.Tick())
        .AddSingleton<PublicEndpoints>()
        .AddMetricsEndpoint();

    /// <summary>Everything that the public listeners and that of the status pages answer; the last thing in the pipeline.</summary>
    public static void MapHttp(this IApplicationBuilder app)
    {
        var metrics = app.BuildMetrics();
        var endpoints = app.ApplicationServices.GetRequiredService<PublicEndpoints>();
        app.ApplicationServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(app.ApplicationServices.GetRequiredService<AdminFeed>().CloseAll);
        app.Run(context =>
        {
            var connection = context.Features.Get<KestrelConnection>();
            if (connection is not null)
            {
                connection.HasRequested = true;
            }

            // One connection, one request: an open connection is a client's, a peer's, or about to become one.
            context.Response.Headers.Connection = "close";
            if (HasBody(context.Request))
            {
                DiscardBody(context, connection);
            }

            return endpoints.HandleAsync(context, metrics);
        });
    }

    /// <summary>True when a body is announced. Nothing here has a use for one.</summary>
    public static bool HasBody(HttpRequest request) => request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0;

    // Kestrel waits 5 s for what is left of a body once the answer is sent. It does not for one that is larger than allowed; of one
    // without a length it does not know that.
    private static void DiscardBody(HttpContext context, KestrelConnection? connection)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = 0;
        }

        connection?.CloseSoon();
    }
}
