// Owns what the elements say in Korean: loaded when it is spoken. Must have every key of core/messages.js.

import { problems } from "./core/problems-ko.js";

/** @type {Record<string, string>} */
export const messages = {
  ...problems,
  scheduled: "예약됨", queued: "대기 중", running: "진행 중", retrying: "다시 시도 예정",
  succeeded: "완료", failed: "실패", cancelled: "취소됨", cancelling: "취소하는 중…", interrupted: "중단됨",
  of: "{b}개 중 {a}개", done: "{n}개 완료", attempt: "{n}번째 시도", next: "다음 차례",
  ahead: "앞에 {n}개 대기", starts: "{t} 시작", again: "{t} 다시 시도",
  left: "약 {t} 남음", ended: "{t} 종료", took: "{t} 걸림", instant: "1초 미만", at: "{t}", on: "{t}",
  lost: "작업자가 사라졌습니다. 다른 작업자가 이어받습니다.",
  quiet: "{t} 동안 소식이 없습니다. 아직 작업 중일 수 있습니다.",
  wrong: "작업에 실패했습니다", reference: "{m} (참조 번호 {r})", tooLarge: "너무 커서 여기에 표시할 수 없음",
  result: "결과", none: "없음", yes: "예", no: "아니요", more: "더 보기",
  cancel: "취소", retry: "다시 시도", close: "닫기", details: "자세히",
  tasks: "작업", loading: "불러오는 중",
  emptyTitle: "아직 작업이 없습니다",
  emptyText: "시작한 작업은 진행 막대와 함께 여기에 나타나고, 결과를 확인할 때까지 남아 있습니다.",
  noMatch: "일치하는 작업이 없습니다.", showMore: "{n}개 더 보기",
  unread: "읽지 않음 {n}", new: "읽지 않음", reconnecting: "다시 연결하는 중…", offline: "오프라인입니다.", from: "{t} 기준으로 표시하고 있습니다.",
  signedOut: "작업을 보려면 로그인하세요.", percent: "{title}: {n}%", andMore: "그 밖에 {n}개.",
  unreachable: "Milepost에 연결할 수 없습니다. 연결을 확인하고 다시 시도하세요.", tryIn: "{t} 다시 시도하세요.", tryLater: "나중에 다시 시도하세요.",
  tooMany: "요청이 너무 많습니다", unable: "지금은 처리할 수 없습니다", status: "거부되었습니다 (상태 {n})",
};
