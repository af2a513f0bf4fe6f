using System.Text;
using Relay.ClientAuth;

namespace Server.Tests.ClientAuth;

public sealed class AuthClaimsTests
{
    [Theory]
    [InlineData("{}", null, 0, false)]
    [InlineData("{\"sub\":null,\"unlimited\":false}", null, 0, false)]
    [InlineData("{\"sub\":\"alice\"}", "alice", 5, false)]
    [InlineData("{\"sub\":\"alice\",\"max_connections\":2,\"unlimited\":true,\"other\":[{}]}", "alice", 2, true)]
    [InlineData("{\"sub\":\"alice\",\"max_connections\":null,\"unlimited\":null}", "alice", 5, false)]
    public void Read_ClaimsThatAreRight_AreTaken(string json, string? name, int limit, bool isUnlimited)
    {
        Assert.True(AuthClaims.TryRead(Encoding.UTF8.GetBytes(json), perSubject: 5, out var subject));
        Assert.Equal((name, limit, isUnlimited), (subject?.Name, subject?.Limit ?? 0, subject?.IsUnlimited ?? false));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("{\"sub\":\"\"}")]
    [InlineData("{\"sub\":\" a\"}")]
    [InlineData("{\"sub\":\"a\\n\"}")]
    [InlineData("{\"sub\":[\"a\"]}")]
    [InlineData("{\"sub\":\"a\",\"max_connections\":1.5}")]
    [InlineData("{\"sub\":\"a\",\"max_connections\":-1}")]
    [InlineData("{\"sub\":\"a\",\"max_connections\":1000001}")]
    [InlineData("{\"sub\":\"a\",\"unlimited\":1}")]
    [InlineData("{\"max_connections\":1}")]
    [InlineData("{\"unlimited\":true}")]
    public void Read_ClaimsThatAreWrong_AreWorthless(string json) =>
        Assert.False(AuthClaims.TryRead(Encoding.UTF8.GetBytes(json), perSubject: 5, out _));

    [Fact]
    public void Read_DeepOrLong_IsWorthless()
    {
        Assert.False(AuthClaims.TryRead(Encoding.UTF8.GetBytes($"{{\"a\":{new string('[', 100)}{new string(']', 100)}}}"), perSubject: 0, out _));
        Assert.False(AuthClaims.TryRead(Encoding.UTF8.GetBytes($"{{\"sub\":\"{new string('a', 129)}\"}}"), perSubject: 0, out _));
    }
}
