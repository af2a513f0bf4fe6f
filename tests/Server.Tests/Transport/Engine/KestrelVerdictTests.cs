using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Relay.Transport.Engine;
using Server.Tests.Fuzz;

namespace Server.Tests.Transport.Engine;

/// <summary>A real Kestrel gets the same bytes: what the parser takes, Kestrel must take, and see the same in it.</summary>
public sealed class KestrelVerdictTests
{
    /// <summary>How many heads are tried in place of <see cref="Heads"/>; `make fuzz` sets it.</summary>
    private const string Variable = "RELAY_TEST_STREAMS";

    private const int Heads = 3000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Parse_ManyHeads_TakesNothingThatKestrelRefusesOrReadsOtherwise()
    {
        await using var kestrel = await StartAsync();
        var port = new Uri(kestrel.Urls.Single()).Port;
        var seed = (ulong)Environment.TickCount64;
        var inputs = new FuzzInputs(HeadFuzz.Target.Good, HeadFuzz.Target.Tokens, seed);
        var head = new RequestHead();
        var compared = 0;
        var count = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : Heads;
        for (var i = 0; i < count || compared < Heads / 10; i++)
        {
            var bytes = inputs.Next().ToArray();
            if (head.Parse(bytes) == HeadStatus.Complete && !IsKestrelsAlone(head, bytes))
            {
                var answer = await AskAsync(port, bytes);
                var isUpgrade = HeadRoad.IsForEngine(head, bytes) && head.Header(bytes, "Connection").All(value => !value!.Contains('\t', StringComparison.Ordinal));
                Assert.True(
                    answer == Description(head, bytes, isUpgrade: true) || (!isUpgrade && answer == Description(head, bytes, isUpgrade: false)),
                    $"input {i} of seed {seed}: {answer}\n{Encoding.Latin1.GetString(bytes)}");
                compared++;
            }
        }
    }

    // The comparison can fail: Kestrel's answers to what the parser takes for malformed are seen as such.
    [Fact]
    public async Task Kestrel_AMalformedHead_IsSeenToBeRefused()
    {
        await using var kestrel = await StartAsync();

        Assert.StartsWith("HTTP/1.1 400 ", await AskAsync(new Uri(kestrel.Urls.Single()).Port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"u8.ToArray()), StringComparison.Ordinal);
    }

    // What the engine never takes itself, and where Kestrel has rules of its own: other forms of targets, percents, bodies, and a length that POST must have in HTTP/1.0.
    private static bool IsKestrelsAlone(RequestHead head, byte[] bytes) =>
        !head.Target(bytes).StartsWith("/"u8)
        || head.Target(bytes).Contains((byte)'%')
        || head.Method(bytes).SequenceEqual("CONNECT"u8)
        || head.HasBody
        || (!head.IsHttp11 && !head.Method(bytes).SequenceEqual("GET"u8));

    private static async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        });
        var app = builder.Build();
        app.Run(context =>
        {
            var request = context.Features.GetRequiredFeature<IHttpRequestFeature>();
            var body = Encoding.Latin1.GetBytes(Description(
                context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }, request.Method, request.RawTarget, request.Protocol == "HTTP/1.1", request.Headers.SelectMany(header => header.Value.Select(value => (header.Key, value ?? "")))));
            context.Response.ContentLength = body.Length;
            context.Response.Headers.Connection = "close";
            return context.Response.Body.WriteAsync(body).AsTask();
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    private static string Description(RequestHead head, byte[] bytes, bool isUpgrade) => Description(
        isUpgrade, Encoding.Latin1.GetString(head.Method(bytes)), Encoding.Latin1.GetString(head.Target(bytes)), head.IsHttp11, Headers(head, bytes));

    private static IEnumerable<(string, string)> Headers(RequestHead head, byte[] bytes) => SlowHead.Read(bytes).Headers
        .Select(header => header.Name).Distinct()
        .SelectMany(name => head.Header(bytes, name).Select(value => (name, value ?? "")));

    private static string Description(bool isUpgrade, string method, string target, bool isHttp11, IEnumerable<(string Name, string Value)> headers) =>
        $"{method} {target} {isHttp11} {isUpgrade}\n" + string.Join('\n', headers.Select(Line).Where(line => line.Length > 0).Distinct().Order(StringComparer.Ordinal));

    // Of Connection headers Kestrel may keep the options alone that it knows, of several lines one: the upgrade is what matters here.
    // An option with a tab beside it, which RFC 9110 permits, is none to Kestrel: there the parser takes more than Kestrel does.
    private static string Line((string Name, string Value) header) =>
        !header.Name.Equals("connection", StringComparison.OrdinalIgnoreCase) ? $"{header.Name.ToLowerInvariant()}={header.Value}"
        : header.Value.Split(',').Any(element => element.Trim(' ').Equals("upgrade", StringComparison.OrdinalIgnoreCase)) ? "connection=upgrade"
        : "";

    // The body of a 200, or the status line of anything else.
    private static async Task<string> AskAsync(int port, byte[] bytes)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancel.CancelAfter(Patience);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, cancel.Token);
        await socket.SendAsync(bytes, cancel.Token);
        var answer = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, cancel.Token) is > 0 and var read)
            {
                answer.Write(buffer, 0, read);
            }
        }
        catch (SocketException)
        {
            // Kestrel leaves what it has not read: the end may be a reset, after the answer.
        }

        var text = Encoding.Latin1.GetString(answer.ToArray());
        return text.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) ? text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..] : text.Split('\r')[0];
    }
}
