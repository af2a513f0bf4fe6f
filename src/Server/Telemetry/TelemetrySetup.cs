using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;

namespace Relay.Telemetry;

internal static class TelemetrySetup
{
    public static IServiceCollection AddTelemetry(this IServiceCollection services, LogOptions options, IEnumerable<string> messageTypes) => services
        .AddSingleton(options)
        .AddSingleton(_ => new RelayMetrics(messageTypes))
        .AddSingleton<GcPauses>()
        .AddSingleton<IStatistics, TrafficStatistics>()
        .AddSingleton<IStatistics, LogStatistics>()
        .AddLogging(logging => Configure(logging, options));

    private static void Configure(ILoggingBuilder logging, LogOptions options)
    {
        const string Timestamp = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        // The log asks for the level itself: a reload may change it.
        logging.SetMinimumLevel(LogLevel.Trace);

        // What the framework says of each request and connection is not the operator's business; its warnings are.
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Grpc", LogLevel.Warning);

        // Its errors are callers that hang up or send no message of the method; bugs are logged by AuditInterceptor.
        logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.None);

        // A failed start is reported in one sentence by Program; the host would print the exception's stack as well. What it
        // says when a background service dies is critical.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);

        // Enabled at any level, this one makes an Activity for each request, which an idle WebSocket would keep for its life.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        logging.AddFilter("System", LogLevel.Warning);
        var format = options.Format switch
        {
            LogFormat.Json => ConsoleFormatterNames.Json,
            LogFormat.Systemd => ConsoleFormatterNames.Systemd,
            _ => ConsoleFormatterNames.Simple,
        };
        logging.AddJsonConsole(console =>
        {
            console.TimestampFormat = Timestamp.TrimEnd();
            console.UseUtcTimestamp = true;
        });
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = Timestamp;
            console.UseUtcTimestamp = true;
        });

        // The library's own writing stops whoever logs when its queue is full; only its formats are used. The journal has its own clock.
        logging.Services.RemoveAll<ILoggerProvider>();
        logging.Services.AddSingleton(provider => new ConsoleLog(
            provider.GetServices<ConsoleFormatter>().Single(formatter => formatter.Name == format),
            Console.OpenStandardError(),
            options,
            provider.GetRequiredService<TimeProvider>()));
        logging.Services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<ConsoleLog>());
    }
}
