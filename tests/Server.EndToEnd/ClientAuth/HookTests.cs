using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Relay.Admission;
using Relay.ClientAuth;
using Relay.Configuration;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.ClientAuth;

/// <summary>Clients that a web hook decides on.</summary>
public sealed class HookTests
{
    private const string Unavailable = "1013 Authentication unavailable";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hook_Answers_DecidesAndIsToldTokenAndAddress()
    {
        await using var identity = await IdentityServer.StartAsync();
        identity.OnHook = (context, question) => question.Contains("right", StringComparison.Ordinal)
            ? Authority.Say(200, """{"sub":"alice","max_connections":1}""")(context)
            : Authority.Say(question.Contains("204", StringComparison.Ordinal) ? 204 : 403, "")(context);
        await using var server = await StartAsync(identity);

        await using (await AuthClient.ConnectAsync(server, "right"))
        {
            using var asked = JsonDocument.Parse(Assert.Single(identity.Asked));
            Assert.Equal(("right", "127.0.0.1"), (asked.RootElement.GetProperty("token").GetString(), asked.RootElement.GetProperty("address").GetString()));
            Assert.Equal("1013 Too many connections of this subject", await AuthClient.TryAsync(server, "right too"));
        }

        Assert.Equal("4401 Unauthorized", await AuthClient.TryAsync(server, "wrong"));
        Assert.Equal("in", await AuthClient.TryAsync(server, "a 204"));

        // Without a token nobody has to be asked.
        var before = identity.Asked.Count;
        Assert.Equal("4401 Unauthorized", await AuthClient.TryAsync(server, null));
        Assert.Equal(before, identity.Asked.Count);
    }

    [Theory]
    [InlineData(500, "")]
    [InlineData(404, "")]
    [InlineData(200, "rubbish")]
    [InlineData(200, "")]
    [InlineData(200, "[]")]
    [InlineData(200, """{"sub":""}""")]
    [InlineData(200, """{"sub":"\ud800"}""")]
    [InlineData(200, """{"sub":"a","max_connections":0}""")]
    [InlineData(200, """{"unlimited":true}""")]
    public async Task Hook_GivesRubbish_IsNoAnswer(int status, string body)
    {
        await using var identity = await IdentityServer.StartAsync();
        identity.OnHook = (context, _) => Authority.Say(status, body)(context);
        await using var server = await StartAsync(identity);

        Assert.Equal(Unavailable, await AuthClient.TryAsync(server, "token"));
        server.Settings.ClientAuth.HookFailOpen = true;
        Assert.Equal("in", await AuthClient.TryAsync(server, "token"));
        Assert.Equal(2, server.Get<AuthHook>().Count(HookOutcome.Failed));
    }

    [Fact]
    public async Task Hook_AnswersWithTooMuch_IsNoAnswer()
    {
        await using var identity = await IdentityServer.StartAsync();
        identity.OnHook = (context, _) => Authority.Say(200, $$"""{"sub":"a","x":"{{new string('x', 100_000)}}"}""")(context);
        await using var server = await StartAsync(identity);

        Assert.Equal(Unavailable, await AuthClient.TryAsync(server, "token"));
    }

    [Fact]
    public async Task Hook_Redirects_TokenGoesNowhereElse()
    {
        await using var identity = await IdentityServer.StartAsync();
        identity.OnHook = (context, _) =>
        {
            context.Response.Redirect("/elsewhere", permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        };
        await using var server = await StartAsync(identity);

        Assert.Equal(Unavailable, await AuthClient.TryAsync(server, "token"));
        Assert.DoesNotContain(identity.Asked, question => question.StartsWith("elsewhere", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Hook_IsNotThere_IsNoAnswer()
    {
        var identity = await IdentityServer.StartAsync();
        await using var server = await StartAsync(identity);
        await identity.DisposeAsync();

        Assert.Equal(Unavailable, await AuthClient.TryAsync(server, "token"));
    }

    [Fact]
    public async Task Hook_Hangs_ClientIsToldInTime()
    {
        var never = new TaskCompletionSource();
        await using var identity = await IdentityServer.StartAsync();
        identity.OnHook = (context, _) => Authority.SayLater(never.Task, "{}")(context);
        await using var server = await StartAsync(identity, settings => settings.ClientAuth.HookTimeout = TimeSpan.FromMilliseconds(300));

        Assert.Equal(Unavailable, await AuthClient.TryAsync(server, "token"));
    }

    /// <summary>While more clients than may be asked about at once wait for a hook that hangs, connected ones are served, pages are, and who leaves gives its turn away.</summary>
    [Fact]
    public async Task Hook_HangsForMany_HoldsUpNobodyElse()
    {
        const int Many = AuthHook.MaxCalls + 20;
        var gate = new TaskCompletionSource();
        await using var identity = await IdentityServer.StartAsync();
        identity.OnHook = (context, question) => question.Contains("slow", StringComparison.Ordinal) ? Authority.SayLater(gate.Task, "{}")(context) : Authority.Say(200, "{}")(context);
        await using var server = await StartAsync(identity, settings =>
        {
            settings.ClientAuth.HookTimeout = TimeSpan.FromSeconds(30);
            settings.Listen.HandshakeTimeout = TimeSpan.FromMinutes(1);
            settings.Listen.MaxHandshakesPerIp = settings.Admission.PerIp = 500;
        });
        await using var connected = await AuthClient.ConnectAsync(server, "quick");
        var waiting = new List<RawClient>();
        for (var i = 0; i < Many; i++)
        {
            var client = await RawClient.ConnectAsync(server);
            waiting.Add(client);
            await client.SendAsync(RawClient.Request(headers: ["Authorization: Bearer slow"]));
        }

        await Eventually.TrueAsync(() => server.Get<AuthHook>().Waiting == Many, "all wait");
        await Eventually.TrueAsync(() => identity.Asked.Count == AuthHook.MaxCalls + 1, "as many are asked about as may be at once");
        await connected.SendAsync("""{"type":"ping"}""");
        await connected.ExpectAsync("pong");
        using var http = new HttpClient();
        Assert.NotEmpty(await http.GetStringAsync(new Uri(server.Http, "/health"), Token));
        Assert.Equal(1, server.Get<ConnectionLedger>().Total);

        // The first ones hang up: their turns are for those behind them.
        waiting.Take(30).ToList().ForEach(client => client.Dispose());
        await Eventually.TrueAsync(() => server.Get<AuthHook>().Waiting == Many - 30, "those who hang up wait no more");
        gate.SetResult();
        foreach (var client in waiting.Skip(30))
        {
            Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(Many - 30 + 1, server.Get<ConnectionLedger>().Total);
        waiting.ForEach(client => client.Dispose());
        await Eventually.TrueAsync(() => server.Get<ConnectionLedger>().Total == 1, "slots of those who leave are free");
    }

    /// <summary>The first message may come with the request, long before there is an answer.</summary>
    [Fact]
    public async Task Client_SendsBeforeItIsIn_IsServedThen()
    {
        var gate = new TaskCompletionSource();
        await using var identity = await IdentityServer.StartAsync();
        identity.OnHook = (context, _) => Authority.SayLater(gate.Task, "{}")(context);
        await using var server = await StartAsync(identity);
        using var client = await RawClient.ConnectAsync(server);
        byte[] ping = [0x81, 0x8F, 0, 0, 0, 0, .. """{"type":"ping"}"""u8];
        await client.SendAsync([.. System.Text.Encoding.ASCII.GetBytes(RawClient.Request(headers: ["Authorization: Bearer t"])), .. ping]);
        await Eventually.TrueAsync(() => identity.Asked.Count == 1, "the hook is asked");
        await client.SendAsync(RawClient.CloseFrame);
        gate.SetResult();

        var all = await client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 101 ", all, StringComparison.Ordinal);
        Assert.Contains("\"pong\"", all, StringComparison.Ordinal);
    }

    /// <summary>Who is kept out whoever it is costs nobody a question.</summary>
    [Fact]
    public async Task Address_IsDenied_HookIsNotAsked()
    {
        await using var identity = await IdentityServer.StartAsync();
        await using var server = await StartAsync(identity, settings => settings.Admission.Overrides = ["127.0.0.2=deny"]);

        Assert.Equal("1008 Not allowed from this address", await AuthClient.TryAsync(server, "token", from: "127.0.0.2"));
        Assert.Empty(identity.Asked);
    }

    private static Task<RelayServer> StartAsync(IdentityServer identity, Action<RelaySettings>? configure = null) => RelayServer.StartAsync(settings =>
    {
        settings.ClientAuth.HookUrl = identity.HookUrl;
        configure?.Invoke(settings);
    });
}
