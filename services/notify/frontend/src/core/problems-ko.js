// Owns what refusals are called in Korean, by the type of the problem; the server words them in English alone.

/** @type {Record<string, string>} */
export const problems = Object.fromEntries(
  Object.entries({
    invalid: "입력한 값이 올바르지 않습니다", "not-json": "JSON이 아닙니다", forbidden: "이 작업을 할 권한이 없습니다", "foreign-origin": "다른 사이트에서는 할 수 없습니다",
    "sign-up-closed": "이 서버는 가입을 받지 않습니다", "unknown-task": "없는 작업입니다", "unknown-type": "없는 작업 종류입니다", "unknown-export": "링크가 잘못되었거나 만료되었습니다",
    "unknown-access-token": "없는 액세스 토큰입니다", "unknown-session": "없는 세션입니다", refused: "작업의 지금 상태에서는 할 수 없습니다", "username-taken": "이미 사용 중인 이름입니다",
    "wrong-credentials": "사용자 이름 또는 비밀번호가 틀렸습니다", "wrong-password": "현재 비밀번호가 틀렸습니다", "too-large": "보낸 내용이 너무 큽니다",
    "too-many": "동시에 진행하는 작업이나 연결이 너무 많습니다", "too-many-requests": "요청이 너무 많습니다", "too-many-failures": "로그인에 너무 여러 번 실패했습니다",
    "no-room": "서버에 새 작업을 받을 자리가 없습니다", busy: "서버가 바쁩니다", unavailable: "지금은 처리할 수 없습니다", internal: "서버에 오류가 생겼습니다", unauthorized: "로그인이 필요합니다",
  }).map(([type, said]) => [`urn:milepost:${type}`, said]),
);
